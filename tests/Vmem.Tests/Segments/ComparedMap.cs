using System.Numerics;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>A map beside a list of segments.</summary>
/// <param name="seed">Of what is done.</param>
/// <param name="quantum">The map's.</param>
/// <param name="top">All values are below it; 256 of bytes is all of the type.</param>
/// <param name="asksForPieces">Then there is an index by size, too.</param>
internal sealed partial class ComparedMap<T>(ulong seed, int quantum, int top, bool asksForPieces) : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly SeededRandom _random = new(seed);
    private readonly SegmentRanges _model = new();
    private readonly SegmentMap<T> _map = new(Of(quantum));

    public void Dispose() => _map.Dispose();

    public void Run(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            Change(step);
            Look();
            if (step % 3 == 0)
            {
                Ask();
            }

            if (step % 8 == 0)
            {
                _map.Validate();
            }
        }

        while (_model.Taken.Count > 0)
        {
            Free();
        }

        Look();
        _map.Validate();
    }

    private void Change(int step)
    {
        int share = step / 150 % 2 == 0 ? 60 : 35;           // by turns it becomes fuller and emptier
        int choice = _random.Below(100);
        if (choice < share)
        {
            Take();
        }
        else if (choice < 80)
        {
            Free();
        }
        else if (choice < 90)
        {
            Resize();
        }
        else if (choice < 92)
        {
            AskForLowest();
        }
        else
        {
            ChangeSpans();
        }
    }

    private void Take()
    {
        List<(int Start, int Size)> free = _model.Free();
        if (free.Count == 0)
        {
            return;
        }

        (int first, int whole) = free[_random.Below(free.Count)];
        int most = Math.Min(whole, top - quantum);
        int size = Whole(_random.Below(_random.Below(3) == 0 ? most : Math.Min(most, 6 * quantum)) + quantum);
        size = _random.Below(4) == 0 ? Whole(most) : Math.Min(size, Whole(most));
        int start = _random.Below(3) switch
        {
            0 => first,
            1 => first + whole - size,
            _ => first + Whole(_random.Below(whole - size + 1)),
        };
        _map.Reserve();
        Assert.True(_map.HasReserve);
        uint index = _map.FindAt(Of(start), Of(size), inSteps: false);
        Assert.True(_map.IsAllFree || _map.IsFreeAt(index, Of(start), Of(size)));
        uint tag = _map.IsAllFree ? _map.CarveAll(Of(start), Of(size)) : _map.Carve(index, Of(start), Of(size));
        Assert.Equal(new Segment<T>(Of(start), Of(size), SegmentKind.Allocated), _map.GetSegment(tag));
        bool byHandle = _random.Below(2) == 0;
        if (!byHandle)
        {
            _map.Enlist(tag);
        }

        _model.Take(start, size, byHandle ? _map.Bind(tag) : 0);
    }

    private void Free()
    {
        if (_model.Taken.Count == 0)
        {
            return;
        }

        int index = _random.Below(_model.Taken.Count);
        SegmentRanges.Held held = _model.Taken[index];
        uint tag = TagOf(held);
        _map.ReserveToFree();
        if (held.Generation != 0)
        {
            _map.Unbind(tag);
        }
        else
        {
            Assert.Equal(0u, _map.Delist(Of(held.Start), Of(held.Size + quantum)));
            Assert.Equal(tag, _map.Delist(Of(held.Start), Of(held.Size)));
        }

        _model.Taken.RemoveAt(index);
        (int start, int size) = _model.Free().Find(free => held.Start >= free.Start && held.Start < free.Start + free.Size);
        bool isLast = _map.IsWhole && _map.LiveSegments == 1;
        uint free = isLast ? _map.FreeAll(tag) : _map.Free(tag);
        Assert.True(isLast || (_map.GetSegment(free).Start, _map.GetSegment(free).Size) == (Of(start), Of(size)));
    }

    private void Resize()
    {
        if (_model.Taken.Count == 0)
        {
            return;
        }

        int index = _random.Below(_model.Taken.Count);
        SegmentRanges.Held held = _model.Taken[index];
        int end = held.Start + held.Size;
        int room = _model.Free().Where(free => free.Start == end && _model.SpanAt(end) == _model.SpanAt(end - 1)).Sum(free => free.Size);
        int size = _random.Below(3) switch
        {
            0 => Whole(_random.Below(held.Size) + quantum),
            1 => held.Size + room,
            _ => held.Size + Whole(_random.Below(room + (2 * quantum))),
        };
        if (size >= top)
        {
            return;
        }

        _map.ReserveToFree();
        Assert.Equal(size <= held.Size + room, _map.TryResize(TagOf(held), Of(size)));
        if (size <= held.Size + room)
        {
            _model.Taken[index] = held with { Size = size };
        }
    }

    /// <summary>Then there is an index, which has to be told of all that comes.</summary>
    private void AskForLowest()
    {
        List<(int Start, int Size)> free = _model.Free();
        int size = Whole(_random.Below(top / 4) + quantum);
        int expected = free.FindIndex(segment => segment.Size >= size);
        uint found = _map.Find(FitPolicy.FirstFit, Of(size), out T start, inSteps: false);
        Assert.Equal(expected >= 0, found != 0);
        Assert.Equal(expected >= 0 ? Of(free[expected].Start) : T.Zero, start);
        expected = free.FindLastIndex(segment => segment.Size >= size);
        found = _map.Find(FitPolicy.LastFit, Of(size), out start, inSteps: false);
        Assert.Equal(expected >= 0, found != 0);
        Assert.Equal(expected >= 0 ? Of(free[expected].Start + free[expected].Size - size) : T.Zero, start);
    }

    private uint TagOf(SegmentRanges.Held held)
    {
        uint tag = _map.Locate(Of(held.Start + _random.Below(held.Size)));
        Assert.True(_map.IsAllocated(tag, Of(held.Start), Of(held.Size)));
        Assert.Equal(held.Generation == 0 ? tag : 0, _map.FindLive(Of(held.Start)));
        Assert.Equal(held.Generation != 0, _map.IsByHandle(tag));
        Assert.Equal(held.Generation != 0, _map.IsBound(new RangeHandle<T>(Of(held.Start), Of(held.Size), tag, held.Generation)));
        return tag;
    }

    private void Look()
    {
        Assert.Equal(_model.Spans.Count, _map.SpanCount);
        Assert.Equal(Of(_model.Spans.Sum(span => span.Size)), _map.TotalSize);
        Assert.Equal(Of(_model.Spans.Where(span => span.IsImported).Sum(span => span.Size)), _map.Imported);
        Assert.Equal((_model.Taken.Count, Of(_model.InUse)), (_map.LiveSegments, _map.InUse));
        Assert.Equal(_model.Taken.Count(held => held.Generation != 0), _map.HandleSegments);
        List<(int Start, int Size)> free = _model.Free();
        Assert.Equal(free.Count, _map.FreeSegments);
        Assert.Equal(Size(free.Select(segment => segment.Size).DefaultIfEmpty().Max()), _map.LargestFree());
        Assert.Equal(_model.Segments().Select(segment => (Of(segment.Start), Size(segment.Size), segment.Kind)), Copied());
        LookAt(_random.Below(top));
    }

    private List<(T Start, T Size, SegmentKind Kind)> Copied()
    {
        List<(T, T, SegmentKind)> all = [];
        var batch = new Segment<T>[2 + _random.Below(6)];
        for (SegmentMap<T>.Position position = SegmentMap<T>.Position.First; position.More;)
        {
            int count = _map.CopySegments(ref position, batch);
            all.AddRange(batch.Take(count).Select(static segment => (segment.Start, segment.Size, segment.Kind)));
        }

        return all;
    }

    private void LookAt(int value)
    {
        int span = _model.SpanAt(value);
        uint found = _map.FindSpan(Of(value), out T spanStart, out _);
        Assert.Equal((span >= 0, span >= 0 ? Of(_model.Spans[span].Start) : spanStart), (found != 0, spanStart));
        Assert.Equal(span >= 0, _map.TryFindOverlap(Of(value), Of(value), out _));
        uint tag = _map.Locate(Of(value));
        Assert.Equal(span >= 0, tag != 0);
        if (span >= 0)
        {
            (int Start, int Size, SegmentKind Kind) expected = _model.Segments()
                .Last(segment => segment.Kind != SegmentKind.Span && segment.Start <= value);
            Assert.Equal(new Segment<T>(Of(expected.Start), Size(expected.Size), expected.Kind), _map.GetSegment(tag));
            int end = expected.Start + expected.Size;
            bool hasNeighbor = _model.Free().Exists(free =>
                (free.Start == end || free.Start + free.Size == expected.Start) && _model.SpanAt(free.Start) == span);
            Assert.True(expected.Kind == SegmentKind.Free || _map.HasFreeNeighbor(tag) == hasNeighbor);
        }
    }

    private int Whole(int value) => value / quantum * quantum;

    private static T Of(int value) => T.CreateTruncating(value);

    /// <summary>A size, which saturates.</summary>
    private static T Size(int value) => T.CreateSaturating(value);
}
