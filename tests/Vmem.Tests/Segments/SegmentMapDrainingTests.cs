using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>A span that drains in a map alone: step by step, back again, and away.</summary>
public sealed class SegmentMapDrainingTests : IDisposable
{
    private readonly SegmentMap<uint> _map = new(1);

    public void Dispose() => _map.Dispose();

    /// <summary>Of [0, 100) only [10, 20) and [30, 40) are held; [200, 260) is free.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_free_drains_and_is_free_again(bool hasIndexes)
    {
        if (hasIndexes)
        {
            _map.KeepFreedOrder();
            _map.KeepIndexes(FitPolicy.BestFit, [4]);
        }

        uint span = Add(0, 100);
        _ = Add(200, 60);
        Take(10, 10);
        Take(30, 10);
        Drain(span, drains: true);
        Assert.Equal((80u, 3L, 60u, 60u, 60u), Figures());
        _map.Validate();
        Drain(span, drains: false);
        Assert.Equal((0u, 0L, 140u, 60u, 100u), Figures());
        Assert.NotEqual(0u, _map.Find(FitPolicy.FirstFit, 10, out uint start, inSteps: false));
        Assert.Equal(0u, start);
        _map.Validate();
        Drain(span, drains: true);
        Withdraw(10, 10);                         // between two that drain
        Assert.Equal((90u, 2L, 60u, 60u, 60u), Figures());
        Assert.False(_map.IsDrained(_map.Locate(0), out _));
        Assert.Equal(_map.Locate(30), _map.FirstHeld(span));
        _map.Validate();
        Withdraw(30, 10);
        Assert.Equal((100u, 1L, 60u, 60u, 60u), Figures());
        Assert.Equal(0u, _map.FirstHeld(span));
        Assert.True(_map.IsDrained(_map.Locate(50), out uint drained));
        Assert.Equal(span, drained);
        _map.Validate();
        _map.RemoveDrained(span);
        Assert.Equal((0u, 0L, 60u, 60u, 60u), Figures());
        Assert.Equal(0u, _map.Locate(50));
        _map.Validate();
    }

    /// <summary>Beside what is held, behind what drains, and before it.</summary>
    [Theory]
    [InlineData(20u, 3L)]
    [InlineData(10u, 2L)]
    [InlineData(40u, 2L)]
    public void What_is_withdrawn_becomes_one_with_what_drains_beside_it(uint start, long count)
    {
        uint span = Add(0, 60);
        foreach (uint held in (uint[])[10, 20, 30, 40])
        {
            Take(held, 10);                       // [0, 10) and [50, 60) are free
        }

        Drain(span, drains: true);
        Withdraw(start, 10);
        Assert.Equal((30u, count), (_map.Draining, _map.DrainingSegments));
        _map.Validate();
    }

    [Fact]
    public void The_spans_that_drain_are_told_in_order()
    {
        uint[] spans = [Add(uint.MaxValue - 49, 50), Add(300, 10), Add(0, 20), Add(100, 30)];
        Assert.Empty(_map.CopyDraining());
        foreach (int index in (int[])[1, 0, 3])
        {
            Drain(spans[index], drains: true);
        }

        Segment<uint>[] draining = _map.CopyDraining();
        Assert.Equal([(100u, 30u), (300, 10), (uint.MaxValue - 49, 50)], draining.Select(span => (span.Start, span.Size)));
        Assert.All(draining, span => Assert.Equal((SegmentKind.Span, true), (span.Kind, span.IsDraining)));
    }

    /// <summary>Each becomes free in one of the indexes, which have room made for it.</summary>
    [Fact]
    public void Many_segments_become_free_again()
    {
        _map.KeepIndexes(FitPolicy.BestFit, []);
        uint span = Add(0, 2_000);
        for (uint value = 1; value < 2_000; value += 2)
        {
            Take(value, 1);
        }

        Drain(span, drains: true);
        Assert.Equal((1_000L, 0u), (_map.DrainingSegments, _map.FreeSize));
        _ = Add(3_000, 10);
        Drain(span, drains: false);
        Assert.Equal((0L, 1_010u, 1_001L), (_map.DrainingSegments, _map.FreeSize, _map.FreeSegments));
        _map.Validate();
    }

    [Fact]
    public void A_slab_is_told_and_waits()
    {
        uint span = Add(0, 100);
        Take(10, 10);
        uint slab = Take(20, 10);
        Take(40, 10);
        _map.SetSlab(slab, 7);
        Reserve(span, drains: true);
        SegmentMap<uint>.Position position = new() { More = true };
        for (int times = 0; times < 2; times++)
        {
            Assert.False(_map.TryTurn(0, ref position, out uint number, out uint turned));
            Assert.Equal(7u, number);
            Assert.Equal(times == 0 ? _map.Locate(0) : 0, turned);
            Assert.Equal(10u, _map.Draining);
        }

        _map.SetSlab(slab, 0);
        Assert.True(_map.TryTurn(0, ref position, out uint none, out uint last));
        Assert.Equal((0u, _map.Locate(60)), (none, last));
        Assert.Equal((70u, 3L), (_map.Draining, _map.DrainingSegments));
        Assert.True(_map.TryTurn(0, ref position, out _, out last));
        Assert.Equal(0u, last);
    }

    /// <summary>The segment at which it was to go on is gone, and far from the beginning of the span.</summary>
    [Fact]
    public void Where_a_step_goes_on_is_looked_for_in_steps()
    {
        uint span = Add(0, 6_000);
        for (uint value = 0; value < 6_000; value += 2)
        {
            Take(value, 1);
        }

        Reserve(span, drains: true);
        SegmentMap<uint>.Position position = new() { More = true };
        for (int step = 0; step < 9; step++)
        {
            Assert.False(_map.TryTurn(0, ref position, out _, out uint turned));
            Assert.NotEqual(0u, turned);
        }

        Assert.Equal(9u * 512, position.Start);
        Withdraw(9 * 512, 1);                     // becomes one with what drains before it
        _map.ForgetLookUps();
        Assert.False(_map.TryTurn(0, ref position, out _, out uint none));
        Assert.Equal(0u, none);
        while (!_map.TryTurn(0, ref position, out _, out _))
        {
        }

        Assert.Equal((3_001u, 0u), (_map.Draining, _map.FreeSize));
        _map.Validate();
    }

    private (uint Draining, long Count, uint Free, uint LargestFree, uint LargestSpan) Figures() =>
        (_map.Draining, _map.DrainingSegments, _map.FreeSize, _map.LargestFree(), _map.LargestSpan);

    private uint Add(uint start, uint size)
    {
        _map.ReserveSpan(size);
        _ = _map.AddSpan(start, size, imported: false);
        return _map.FindSpan(start, out _, out _);
    }

    private uint Take(uint start, uint size)
    {
        _map.Reserve();
        uint tag = _map.Carve(_map.FindAt(start, size, inSteps: false), start, size);
        _map.Enlist(tag);
        return tag;
    }

    private void Reserve(uint span, bool drains)
    {
        _map.ReserveDrain();
        _map.SetDraining(span, drains);
    }

    private void Drain(uint span, bool drains)
    {
        Reserve(span, drains);
        Segment<uint> first = _map.GetSegment(_map.Following(span));
        SegmentMap<uint>.Position position = new() { Start = first.Start, More = true };
        while (!_map.TryTurn(first.Start, ref position, out _, out _))
        {
        }
    }

    private void Withdraw(uint start, uint size) => _ = _map.Withdraw(_map.Delist(start, size));
}
