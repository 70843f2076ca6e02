using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

// What is done to its spans.
internal sealed partial class ComparedMap<T>
{
    private void ChangeSpans()
    {
        int choice = _random.Below(10);
        int index = _model.Spans.Count == 0 ? -1 : _random.Below(_model.Spans.Count);
        if (index < 0 || choice < 4)
        {
            AddSpan();
        }
        else if (_map.IsWhole)
        {
            return;
        }
        else if (choice < 6)
        {
            Grow(index);
        }
        else if (choice < 8)
        {
            Shrink(index);
        }
        else
        {
            Remove(index);
        }
    }

    private void AddSpan()
    {
        int start = Whole(_random.Below(top));
        int above = _model.Spans.FindIndex(span => span.Start >= start);
        int room = (above < 0 ? top : _model.Spans[above].Start) - start;
        room = Whole(room) - (Whole(room) == top ? quantum : 0);             // all of the type comes of two
        int size = _random.Below(3) == 0 ? room : Math.Min(room, Whole(_random.Below(top / 3) + quantum));
        if (_model.SpanAt(start) >= 0 || size <= 0)
        {
            return;
        }

        (int joinedStart, int joined) = _model.WithNeighbors(start, size);
        Assert.Equal(Size(joined), _map.SizeWithNeighbors(Of(start), Of(size)));
        bool isImported = _random.Below(4) == 0;
        bool joins = !isImported && (_random.Below(2) == 0 || joined == top);
        _map.ReserveSpan(Size(joined));
        uint free = _map.AddSpan(Of(start), Of(size), isImported);
        Assert.Equal(new Segment<T>(Of(start), Of(size), SegmentKind.Free), _map.GetSegment(free));
        if (joins)
        {
            _map.JoinNeighbors(Of(start), Of(size));
            _ = _model.Spans.RemoveAll(span => !span.IsImported && (span.Start + span.Size == start || span.Start == start + size));
        }

        _model.Add(joins ? joinedStart : start, joins ? joined : size, isImported);
    }

    private void Grow(int index)
    {
        (int start, int size, bool isImported) = _model.Spans[index];
        int room = Whole((index + 1 < _model.Spans.Count ? _model.Spans[index + 1].Start : top) - start - size);
        room -= size + room == 256 ? quantum : 0;
        if (isImported || room <= 0)
        {
            return;
        }

        int newSize = size + (_random.Below(2) == 0 ? room : Whole(_random.Below(room) + quantum));
        newSize = Math.Min(newSize, size + room);
        _map.ReserveSpan(Of(newSize));
        _map.GrowSpan(Span(index), Of(start), Of(size), Of(newSize));
        _model.Spans[index] = (start, newSize, false);
    }

    private void Shrink(int index)
    {
        (int start, int size, bool isImported) = _model.Spans[index];
        (int lastStart, int last) = _model.Free().Find(free => free.Start >= start && free.Start + free.Size == start + size);
        int less = _random.Below(2) == 0 ? last : Whole(_random.Below(last + quantum) + quantum);
        if (isImported || less <= 0 || less >= size)
        {
            return;
        }

        _map.ReserveToFree();
        Assert.Equal(less <= last, _map.TryShrinkSpan(Span(index), Of(start), Of(size), Of(size - less)));
        _model.Spans[index] = (start, less <= last ? size - less : size, false);
    }

    private void Remove(int index)
    {
        (int start, int size, _) = _model.Spans[index];
        bool isFree = _model.Free().Contains((start, size));
        Assert.Equal(isFree, _map.IsWhollyFree(Span(index)));
        if (isFree)
        {
            _map.ReserveToFree();
            _map.RemoveSpan(Span(index));
            _model.Spans.RemoveAt(index);
        }
    }

    private uint Span(int index)
    {
        uint span = _map.FindSpan(Of(_model.Spans[index].Start), out T start, out T size);
        Assert.Equal((Of(_model.Spans[index].Start), Of(_model.Spans[index].Size)), (start, size));
        Assert.Equal(_model.Spans[index].IsImported, _map.IsImported(span));
        return span;
    }
}
