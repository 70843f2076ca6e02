using System.Numerics;
using Vmem.Listing;

namespace Vmem.Space;

/// <summary>Draws the map of an arena: adds each segment of a walk to the columns that it lies in.</summary>
internal sealed class MapWalk<T>(Space<T> space, int columns) : ArenaMap
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly SegmentWalk<T> _walk = new(space);
    private readonly MapShares _shares = new(columns);
    private T _spanStart;
    private double _spanOffset;                   // where the span begins on the map, in units
    private double _spansEnd;                     // where the next one will
    private long _segments;
    private long _spans;

    /// <inheritdoc/>
    public override bool Update(int segments)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(segments, 1);
        for (int left = Math.Max(segments, SegmentWalk<T>.Fewest); left >= SegmentWalk<T>.Fewest;)
        {
            int most = Math.Min(left, SegmentWalk<T>.Batch);
            bool begins = !_walk.IsUnderWay;
            _walk.Next(most);
            if (begins)
            {
                Begin();
            }

            ReadOnlySpan<Segment<T>> batch = _walk.Segments;
            for (int i = 0; i < batch.Length; i++)
            {
                Draw(batch[i], _walk.IdleOf(i));
            }

            if (!_walk.IsUnderWay)
            {
                Complete(_shares.ToColumns(), _segments, _spans, _shares.Size);
                return true;
            }

            left -= most;                         // also where it was a way back: that is work, too
        }

        return false;
    }

    private void Begin()
    {
        _shares.Begin(double.CreateChecked(_walk.Size));
        (_spansEnd, _segments, _spans) = (0, 0, 0);
    }

    private void Draw(in Segment<T> segment, T idle)
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

        double offset = _spanOffset + double.CreateChecked(segment.Start - _spanStart);
        _shares.Add(segment.Kind, offset, size, T.IsZero(idle) ? 0 : double.CreateChecked(idle) / size);
        _segments++;
    }
}
