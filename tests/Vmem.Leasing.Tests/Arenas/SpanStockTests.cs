using Vmem.Leasing.Arenas;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>What a stock gives, and what it asks for.</summary>
public sealed class SpanStockTests : SpanStockFixture
{
    /// <summary>Whoever wanted 32 looked at the limit before another took most of it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_need_that_the_limit_has_no_room_for_keeps_no_smaller_one_waiting(bool isConstrained)
    {
        SpanStock<ulong> stock = NewStock(target: 0, limit: 64);
        stock.Add(Span(0, 48), null);
        Assert.Equal(0ul, Import(stock, 48));
        RangeConstraints<ulong> constraints = isConstrained ? new() { Align = 32 } : default;
        Assert.Null(Import(stock, 32, constraints));
        Assert.Empty(Missing(stock));
        Assert.Null(Import(stock, 8));
        Assert.Equal(8ul, Assert.Single(stock.Missing(isExactHopeless: false, stock.Room, out bool isUrgent)).Size);
        Assert.True(isUrgent);
        stock.Release(0, 48);
        Assert.Equal(isConstrained ? 32ul : 8ul, Missing(stock)[0]);
    }

    /// <summary>In whole quanta, below the limit.</summary>
    [Fact]
    public void The_room_is_what_the_limit_leaves()
    {
        Assert.Equal(ulong.MaxValue, NewStock(target: 0).Room);
        SpanStock<ulong> stock = NewStock(target: 0, limit: 30, quantum: 4);
        Assert.Equal((4u, 28u), (stock.Quantum, stock.Room));
        Add(stock, 0, 8);
        Assert.Equal(28u, stock.Room);            // they lie ready: the arena does not have them
        Assert.Equal((0ul, 20u), (Import(stock, 8)!.Value, stock.Room));
        Assert.Equal((8ul, 12u), (Import(stock, 8)!.Value, stock.Room));
        LeasedSpan<ulong> reserved = Span(16, 16);
        stock.Reserve(reserved);
        Assert.Equal((16ul, 0u), (Import(stock, 16, new() { Min = 16, Max = 32 })!.Value, stock.Room));
    }

    [Fact]
    public void What_is_not_reserved_any_more_is_nobodys_to_import()
    {
        SpanStock<ulong> stock = NewStock(target: 0);
        stock.Reserve(Span(16));
        Assert.Null(Import(stock, 8, new() { Min = 8, Max = 16 }));
        stock.Reserve(null);
        Assert.Null(Import(stock, 8, new() { Min = 16, Max = 24 }));
    }

    [Fact]
    public void The_first_span_that_fits_the_request_and_the_room_is_given()
    {
        SpanStock<ulong> stock = NewStock(target: 0, limit: 20);
        stock.Add(Span(0, 24), null);
        stock.Add(Span(32, 4), null);
        stock.Add(Span(40, 8), null);
        stock.Add(Span(48, 8), null);
        Assert.Equal(48ul, Import(stock, 8, new() { Align = 16 }));
        Assert.Equal(40ul, Import(stock, 5));
        Assert.Null(Import(stock, 5));
        Assert.Equal(32ul, Import(stock, 4));
        Assert.Null(Import(stock, 1));
        Assert.Equal([32, 40, 48], Starts(stock.InUse));
        Assert.Equal([0], Starts(stock.TakeReturned(all: true)));
    }

    [Fact]
    public void The_filler_is_woken_when_too_little_lies_ready()
    {
        SpanStock<ulong> stock = NewStock(target: 1);
        Add(stock, 0, 8);
        Assert.Equal((2, 0ul, 0), (stock.Ready, Import(stock, 8)!.Value, Wakes));
        Assert.Equal((1, 8ul, 1), (stock.Ready, Import(stock, 8)!.Value, Wakes));
        Assert.Null(Import(stock, 8));
        Assert.Equal(2, Wakes);
        stock.Expect(1);
        Assert.Equal(3, Wakes);
    }

    [Theory]
    [InlineData(8, 16, 24, true)]
    [InlineData(7, 16, 24, false)]
    [InlineData(8, 15, 24, false)]
    [InlineData(8, 16, 25, false)]
    public void A_reserved_span_goes_to_whom_it_is_reserved_for(ulong size, ulong min, ulong max, bool isGiven)
    {
        SpanStock<ulong> stock = NewStock(target: 0, limit: 8);
        Add(stock, 0);
        Assert.Equal(0ul, Import(stock, 8));
        stock.Reserve(Span(16));
        Assert.Equal(isGiven ? 16ul : null, Import(stock, size, new() { Min = min, Max = max }));
        Assert.Equal(isGiven ? null : 16ul, Import(stock, 8, new() { Min = 16, Max = 24 }));
    }

    [Fact]
    public void What_the_arena_has_no_use_for_lies_ready_or_goes_back()
    {
        SpanStock<ulong> stock = NewStock(target: 1);
        LeasedSpan<ulong>[] spans = Add(stock, 16, 0, 8);
        Assert.Equal((16ul, 0ul, 8ul), (Import(stock, 8)!.Value, Import(stock, 8)!.Value, Import(stock, 8)!.Value));
        Wakes = 0;
        stock.Release(4, 8);                                   // by any of its values
        Assert.Equal((1, 1), (Wakes, stock.Ready));
        Assert.Equal([spans[2], spans[0]], stock.InUse);
        stock.Release(8, 8);
        Assert.Equal((2, 1), (Wakes, stock.Ready));
        stock.Release(8, 8);                                   // it is not there any more
        Assert.Equal(2, Wakes);
        Assert.Equal([spans[2]], stock.TakeReturned(all: false));
        Assert.Empty(stock.TakeReturned(all: false));
        Assert.Equal([spans[1]], stock.TakeReturned(all: true));
        Assert.Equal((0, 0), (stock.Ready, stock.TakeReturned(all: true).Count));
    }

    [Fact]
    public void A_span_that_is_about_to_go_back_is_given_after_those_that_lie_ready()
    {
        SpanStock<ulong> stock = NewStock(target: 1);
        Add(stock, 0, 8);
        Assert.Equal((0ul, 8ul), (Import(stock, 8)!.Value, Import(stock, 8)!.Value));
        stock.Release(8, 8);
        stock.Release(0, 8);
        Assert.Equal((8ul, 0ul, (ulong?)null), (Import(stock, 8)!.Value, Import(stock, 8)!.Value, Import(stock, 8)));
        Assert.Empty(stock.TakeReturned(all: true));
    }

    [Fact]
    public void The_span_of_a_value_is_found()
    {
        SpanStock<ulong> stock = NewStock(target: 0);
        Assert.Null(stock.Find(0));
        LeasedSpan<ulong>[] spans = Add(stock, 40, 8, 24, 16);
        Assert.All(spans, span => Assert.Equal(span.Start, Import(stock, 8)));
        Assert.Equal([8, 16, 24, 40], Starts(stock.InUse));
        for (ulong value = 0; value < 60; value++)
        {
            Assert.Equal(spans.SingleOrDefault(span => span.Start <= value && value < span.Start + 8), stock.Find(value));
        }
    }

    [Fact]
    public void A_lost_span_is_nowhere_any_more()
    {
        SpanStock<ulong> stock = NewStock(target: 1);
        LeasedSpan<ulong>[] spans = Add(stock, 0, 8, 16, 24);
        Assert.Equal((0ul, 8ul), (Import(stock, 8)!.Value, Import(stock, 8)!.Value));
        stock.Release(8, 8);                                   // goes back
        Assert.Null(stock.Lose(8));
        Assert.Null(stock.Lose(16));
        Assert.Null(stock.Lose(99));
        Assert.Equal([spans[0]], stock.InUse);
        Assert.Equal(spans[0], stock.Lose(0));
        Assert.Empty(stock.InUse);
        Assert.Equal([true, false, false, false], spans.Select(static span => span.IsLost));
        Assert.Equal([spans[3]], stock.TakeReturned(all: true));
    }

    [Fact]
    public void Of_those_that_go_back_only_the_lost_one_does_not()
    {
        SpanStock<ulong> stock = NewStock(target: 0);
        LeasedSpan<ulong>[] spans = Add(stock, 0, 8);
        Assert.Equal((0ul, 8ul), (Import(stock, 8)!.Value, Import(stock, 8)!.Value));
        stock.Release(0, 8);
        stock.Release(8, 8);
        Assert.Null(stock.Lose(0));
        Assert.Equal([spans[1]], stock.TakeReturned(all: false));
    }

    [Fact]
    public void Who_waits_is_told_until_he_leaves()
    {
        SpanStock<ulong> stock = NewStock(target: 0);
        List<int> told = [];
        Action[] listeners = [() => told.Add(0), () => told.Add(1), () => told.Add(2)];
        Array.ForEach(listeners, stock.Subscribe);
        stock.Unsubscribe(listeners[1]);
        stock.Unsubscribe(listeners[1]);
        stock.Notify();
        Assert.Equal([0, 2], told);
        stock.Subscribe(listeners[1]);
        stock.Notify();
        Assert.Equal([0, 2, 0, 2, 1], told);
    }
}
