using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

// What is asked about requests that nobody makes.
internal sealed partial class ComparedMap<T>
{
    private void Ask()
    {
        if (_map.IsAllFree)
        {
            return;
        }

        AskAround();
        AskForParts(_random.Below(top), _random.Below(top));
        int size = Whole(_random.Below(top / 4) + quantum);
        Assert.True(_map.TryCountLongEnough(Of(size), out long count));
        Assert.Equal(_model.Free().Count(free => free.Size >= size), count);
        if (asksForPieces)
        {
            AskForPieces(Whole(_random.Below(top / 2) + quantum), Whole(_random.Below(6 * quantum) + quantum), 1 + _random.Below(6));
        }

        AskForSpan(size);
    }

    private void AskForSpan(int size)
    {
        int align = quantum << _random.Below(5);
        int min = _random.Below(3) == 0 ? 0 : _random.Below(top);
        int max = _random.Below(3) == 0 ? top : Math.Max(min, _random.Below(top));
        if (align >= top || max == 0)
        {
            return;
        }

        bool isExpected = _model.Spans.Exists(span =>
        {
            int start = (Math.Max(span.Start, min) + align - 1) / align * align;
            return start + size <= Math.Min(span.Start + span.Size, max);
        });
        RangeConstraints<T> constraints = new() { Align = Of(align), Min = Of(min), Max = max == top ? T.Zero : Of(max) };
        Assert.Equal(isExpected, _map.HasPlaceInSpans(new Placement<T>(Of(size), constraints, Of(quantum))));
        isExpected = _model.Spans.Exists(span => span.Size >= size);
        Assert.Equal(isExpected, _map.HasPlaceInSpans(new Placement<T>(Of(size), default, Of(quantum))));
    }

    /// <summary>What lies beside a held segment, and in the run around it.</summary>
    private void AskAround()
    {
        if (_model.Taken.Count == 0)
        {
            return;
        }

        SegmentRanges.Held held = _model.Taken[_random.Below(_model.Taken.Count)];
        uint tag = TagOf(held);
        List<(int Start, int Size, SegmentKind Kind)> ring = [.. SegmentsOf(_model.SpanAt(held.Start))];
        int at = ring.FindIndex(segment => segment.Start == held.Start);
        HashSet<T> known = [.. _model.Taken.Where(_ => _random.Below(3) != 0).Select(other => Of(other.Start))];
        bool IsOpen((int Start, int Size, SegmentKind Kind) other) => other.Kind == SegmentKind.Free || known.Contains(Of(other.Start));
        int first = ring.FindLastIndex(at, at + 1, other => other.Start != held.Start && !IsOpen(other)) + 1;
        int last = ring.FindIndex(at, other => other.Start != held.Start && !IsOpen(other));
        last = last < 0 ? ring.Count : last;
        if (last - first < 30)                    // beyond that it does not look
        {
            int run = ring[first..last].Sum(segment => segment.Size);
            bool isWhole = last - first == ring.Count;
            Assert.True(_map.CouldLieAround(tag, Of(run), known));
            Assert.Equal(isWhole, _map.CouldLieAround(tag, Of(run) + T.One, known));
        }

        CheckRoom(tag, RoomOf(ring, at + 1), above: true);
        CheckRoom(tag, RoomOf(ring, at - 1), above: false);
    }

    private void CheckRoom(uint tag, int room, bool above)
    {
        Assert.True(room == 0 || _map.HasRoomBeside(tag, Of(room), above));
        Assert.False(_map.HasRoomBeside(tag, Of(room + 1), above));
    }

    private static int RoomOf(List<(int Start, int Size, SegmentKind Kind)> ring, int index) =>
        index >= 0 && index < ring.Count && ring[index].Kind == SegmentKind.Free ? ring[index].Size : 0;

    private IEnumerable<(int Start, int Size, SegmentKind Kind)> SegmentsOf(int span) => _model.Segments()
        .Where(segment => segment.Kind != SegmentKind.Span && _model.SpanAt(segment.Start) == span);

    /// <summary>The first free part of a window, and what stands in the way of all of it.</summary>
    private void AskForParts(int one, int other)
    {
        (int from, int last) = (Math.Min(one, other), Math.Max(one, other));
        (int Start, int Size)[] parts = [.. _model.Free().Where(free => free.Start <= last && free.Start + free.Size > from)];
        T position = Of(from);
        long steps = long.MaxValue;
        uint found = _map.FindFreePart(ref position, Of(last), ref steps, out T end);
        Assert.Equal(parts.Length > 0, found != 0);
        if (parts.Length > 0)
        {
            (int start, int size) = parts[0];
            Assert.Equal((Of(Math.Max(from, start)), Of(Math.Min(last, start + size - 1))), (position, end));
            Assert.Equal(Of(start), _map.GetSegment(found).Start);
        }

        uint home = 0;
        FitObstacle? obstacle = _map.FindObstacle(Of(from), Of(last), ref home, out uint holder, out (T Start, T Size) outside);
        (FitObstacle Kind, int At, int Size) expected = Obstacle(from, last);
        Assert.Equal(expected.Kind, obstacle);
        Assert.Equal(expected.Kind == FitObstacle.OutsideSpans ? (Of(expected.At), Of(expected.Size)) : default, outside);
        Assert.Equal(expected.Kind == FitObstacle.Taken ? _map.Locate(Of(expected.At)) : 0, holder);
    }

    private (FitObstacle Kind, int At, int Size) Obstacle(int from, int last)
    {
        for (int at = from; at <= last; at++)
        {
            if (_model.SpanAt(at) < 0)
            {
                int next = _model.Spans.FindIndex(span => span.Start > at && span.Start <= last);
                return (FitObstacle.OutsideSpans, at, (next < 0 ? last + 1 : _model.Spans[next].Start) - at);
            }

            if (_model.SpanAt(at) != _model.SpanAt(from))
            {
                return (FitObstacle.Seam, at, 0);
            }

            if (_model.Taken.Exists(held => held.Start <= at && held.Start + held.Size > at))
            {
                return (FitObstacle.Taken, at, 0);
            }
        }

        return (FitObstacle.None, last, 0);
    }

    /// <summary>The fewest free segments that hold a total, the largest first; each piece has at least the least length.</summary>
    private void AskForPieces(int total, int least, int most)
    {
        while (!_map.TryCountPieces(Of(total), Of(least), most, out _, out _))
        {
        }

        Assert.True(_map.TryCountPieces(Of(total), Of(least), most, out int count, out T spare));
        (int Start, int Size)[] free =
            [.. _model.Free().OrderByDescending(segment => segment.Size).ThenByDescending(segment => segment.Start)];
        int expected = Enumerable.Range(1, Math.Min(most, free.Length))
            .FirstOrDefault(pieces => free[..pieces].Sum(segment => segment.Size) >= total);
        expected = expected > 0 && (expected * least > total || free[expected - 1].Size < least) ? 0 : expected;
        Assert.Equal(expected, count);
        Assert.True(count == 0 || spare == Of(total - (count * least)));
        if (free.Length > 0)
        {
            _ = _map.FindLargest(out T start, out T size);
            Assert.Equal((Of(free[0].Start), Of(free[0].Size)), (start, size));
        }

        int smallest = free.Where(segment => segment.Size >= least).Select(segment => segment.Size).DefaultIfEmpty().Min();
        int lowest = free.Where(segment => segment.Size == smallest).Select(segment => segment.Start).DefaultIfEmpty().Min();
        Assert.Equal(smallest != 0, _map.FindForLast(Of(least), out T place) != 0);
        Assert.Equal(smallest != 0 ? Of(lowest) : T.Zero, place);
    }
}
