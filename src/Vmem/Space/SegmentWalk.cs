using System.Numerics;
using Vmem.Segments;

namespace Vmem.Space;

/// <summary>A walk over the segments of an arena for those who look at it: a batch under each lock, which others use in between.</summary>
/// <remarks>Slabs of quantum caches are the segments that they are, with what of them is not out. Nothing is frozen, and nobody is
/// stopped.</remarks>
internal sealed class SegmentWalk<T>(Space<T> space)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many segments are copied under one lock: some microseconds, or some tens if each is a cache miss.</summary>
    public const int Batch = 256;

    /// <summary>The shortest batch: a span comes with its first segment.</summary>
    public const int Fewest = 2;

    /// <summary>How far the way back to where the walk was may go under one lock. As above.</summary>
    public const int Steps = 256;

    private readonly Segment<T>[] _segments = new Segment<T>[Batch];
    private readonly T[] _idle = space.Caches is null ? [] : new T[Batch];
    private SegmentMap<T>.Position _position;
    private int _count;
    private T _from;                              // where the batch began: all below has been seen

    /// <summary>Whether the walk has begun and not ended.</summary>
    public bool IsUnderWay { get; private set; }

    /// <summary>The segments of the batch, each clipped to what no batch before had.</summary>
    public ReadOnlySpan<Segment<T>> Segments => _segments.AsSpan(0, _count);

    /// <summary>How long all spans were together when the walk began; <c>T.MaxValue</c> if that is all of the type.</summary>
    public T Size { get; private set; }

    /// <summary>How much of a segment of the batch a cache keeps, in units.</summary>
    public T IdleOf(int index) => _idle.Length == 0 ? T.Zero : _idle[index];

    /// <summary>Copies the next batch, which may be empty. Begins again after the end.</summary>
    /// <param name="most">How many segments at most: <see cref="Fewest"/> to <see cref="Batch"/>.</param>
    public void Next(int most = Batch)
    {
        using Visit<T> visit = space.VisitEvenEnded();
        SegmentMap<T> map = space.Map;
        if (!IsUnderWay || space.HasEnded)
        {
            Size = space.HasEnded ? T.Zero : Space<T>.Saturate(map.TotalSize, map.SpanCount);
            _position = SegmentMap<T>.Position.First;
        }

        _from = _position.Start;
        _count = 0;
        if (!space.HasEnded && map.TryApproach(_position, Steps))
        {
            _count = map.CopySegments(ref _position, _segments.AsSpan(0, most));
            ClipFirst();
            for (int i = 0; i < _count && _idle.Length > 0; i++)
            {
                uint tag = _segments[i].Kind == SegmentKind.Allocated ? map.FindLive(_segments[i].Start) : 0;
                uint slab = tag == 0 ? 0 : map.SlabOf(tag);
                _idle[i] = slab == 0 ? T.Zero : space.Caches!.IdleOf(slab);
            }
        }

        IsUnderWay = _position.More && !space.HasEnded;
    }

    /// <summary>A first segment may begin before the place where the last batch ended by now.</summary>
    private void ClipFirst()
    {
        Segment<T> first = _segments[0];
        if (_count > 0 && first.Kind != SegmentKind.Span && first.Start < _from)
        {
            _segments[0] = first with { Start = _from, Size = first.Size - (_from - first.Start) };
        }
    }
}
