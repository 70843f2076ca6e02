using System.Numerics;
using Vmem.Listing;
using Vmem.Segments;

namespace Vmem.Space;

/// <summary>Draws the map of an arena: walks its segments, some under each lock, and adds each to the columns that it lies in.</summary>
internal sealed class MapWalk<T>(Space<T> space, int columns) : ArenaMap
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many segments are copied under one lock: some microseconds, or some tens if each is a cache miss.</summary>
    private const int Batch = 256;

    /// <summary>How far the way back to where the walk was may go under one lock. As above.</summary>
    private const int Steps = 256;

    private readonly Segment<T>[] _batch = new Segment<T>[Batch];
    private readonly double[] _idle = space.Caches is null ? [] : new double[Batch];      // the shares of slabs that are not out
    private readonly MapShares _shares = new(columns);
    private SegmentMap<T>.Position _position;
    private bool _isUnderWay;
    private T _from;                              // where the batch began: all below has been drawn
    private T _spanStart;
    private double _spanOffset;                   // where the span begins on the map, in units
    private double _spansEnd;                     // where the next one will
    private long _segments;
    private long _spans;

    /// <inheritdoc/>
    public override bool Update(int segments)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(segments, 1);
        for (int left = segments; left > 0;)
        {
            int count = Copy();
            for (int i = 0; i < count; i++)
            {
                Draw(_batch[i], isFirst: i == 0, _idle.Length == 0 ? 0 : _idle[i]);
            }

            _from = _position.Start;
            if (!_isUnderWay)
            {
                Complete(_shares.ToColumns(), _segments, _spans, _shares.Size);
                return true;
            }

            left -= Math.Max(count, Steps);       // a way back is work, too
        }

        return false;
    }

    /// <summary>Copies the next segments.</summary>
    private int Copy()
    {
        using Visit<T> visit = space.VisitEvenEnded();
        SegmentMap<T> map = space.Map;
        if (!_isUnderWay || space.HasEnded)
        {
            Begin(space.HasEnded ? 0 : double.CreateChecked(Space<T>.Saturate(map.TotalSize, map.SpanCount)));
        }

        int count = 0;
        if (!space.HasEnded && map.TryApproach(_position, Steps))
        {
            count = map.CopySegments(ref _position, _batch);
            for (int i = 0; i < count && _idle.Length > 0; i++)
            {
                _idle[i] = IdleShare(_batch[i]);
            }
        }

        _isUnderWay = _position.More && !space.HasEnded;
        return count;
    }

    private void Begin(double size)
    {
        _shares.Begin(size);
        (_position, _from, _spansEnd, _segments, _spans) = (SegmentMap<T>.Position.First, T.Zero, 0, 0, 0);
    }

    private double IdleShare(in Segment<T> segment)
    {
        uint tag = segment.Kind == SegmentKind.Allocated ? space.Map.FindLive(segment.Start) : 0;
        uint slab = tag == 0 ? 0 : space.Map.SlabOf(tag);
        return slab == 0 ? 0 : double.CreateChecked(space.Caches!.IdleOf(slab)) / double.CreateChecked(segment.Size);
    }

    private void Draw(in Segment<T> segment, bool isFirst, double idle)
    {
        double size = double.CreateChecked(segment.Size);
        if (segment.Kind == SegmentKind.Span)
        {
            (_spanStart, _spanOffset) = (segment.Start, _spansEnd);
            _spansEnd += size;
            _spans++;
            _shares.NoteSpan(UInt128.CreateTruncating(segment.Start), _spanOffset, size);
            return;
        }

        // A first segment may begin before the place where the last batch ended by now: what lies before has been drawn.
        T before = isFirst && segment.Start < _from ? _from - segment.Start : T.Zero;
        double offset = _spanOffset + double.CreateChecked(segment.Start - _spanStart + before);
        _shares.Add(segment.Kind, offset, size - double.CreateChecked(before), idle);
        _segments++;
    }
}
