using Vmem.Leasing.Arenas;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>What a stock has its filler ask for.</summary>
public sealed class SpanStockNeedTests : SpanStockFixture
{
    [Fact]
    public void As_many_spans_are_missing_as_do_not_lie_ready()
    {
        SpanStock<ulong> stock = NewStock(target: 3);
        Assert.Equal([8, 8, 8], Missing(stock));
        Add(stock, 0);
        Assert.Equal([8, 8], Missing(stock));
        stock.Expect(1);
        Assert.Equal([8], Missing(stock));
        Add(stock, 8, 16);
        Assert.Empty(Missing(stock));
        _ = stock.Missing(isExactHopeless: false, ulong.MaxValue, out bool isUrgent);
        Assert.False(isUrgent);
    }

    [Fact]
    public void No_more_than_16_are_asked_for_at_once()
    {
        SpanStock<ulong> stock = NewStock(target: 20);
        Assert.Equal(16, Missing(stock).Length);
        Assert.Null(Import(stock, 3));
        Assert.Equal([3, .. Enumerable.Repeat(8ul, 15)], Missing(stock));
    }

    /// <summary>What lies ready, and what comes for a need, takes of the room. A need gets a whole span.</summary>
    [Theory]
    [InlineData(0, 20, 0, "8 8")]
    [InlineData(0, 16, 0, "8 8")]
    [InlineData(0, 15, 0, "8")]
    [InlineData(0, 7, 0, "")]
    [InlineData(1, 20, 0, "8")]
    [InlineData(1, 16, 0, "8")]
    [InlineData(1, 4, 0, "")]
    [InlineData(0, 20, 3, "3 8")]
    [InlineData(0, 16, 3, "3 8")]
    [InlineData(0, 15, 3, "3")]
    [InlineData(0, 20, 12, "12 8")]
    [InlineData(0, 20, 13, "13")]
    [InlineData(0, 20, 20, "20")]
    [InlineData(0, 20, 21, "8 8")]
    [InlineData(0, 5, 3, "3")]
    public void No_more_is_asked_for_than_the_arena_may_have(int ready, ulong room, ulong need, string expected)
    {
        SpanStock<ulong> stock = NewStock(target: 5);
        Add(stock, [.. Enumerable.Range(0, ready).Select(static span => (ulong)span * 8)]);
        if (need > 0)
        {
            Assert.Null(Import(stock, need));
        }

        Assert.Equal(expected, string.Join(' ', Missing(stock, room)));
    }

    /// <summary>An arena asks for the exact place first, then for so much that the request fits wherever it lies.</summary>
    [Fact]
    public void An_exact_need_comes_first_and_alone()
    {
        SpanStock<ulong> stock = NewStock(target: 2);
        Assert.Null(Import(stock, 4, new() { Align = 32 }));
        Assert.Equal([4], Missing(stock));
        Assert.Equal([8, 8], Missing(stock, isHopeless: true));
        Assert.Null(Import(stock, 36));
        Assert.Equal([4], Missing(stock));
        Assert.Equal([36, 8, 8], Missing(stock, isHopeless: true));
        Assert.Equal([8, 8], Missing(stock, room: 20, isHopeless: true));
        Assert.Equal([4], Missing(stock, room: 4));
        Assert.Empty(Missing(stock, room: 3));
        Add(stock, 0);
        Assert.Equal([8], Missing(stock));        // a span has come: whoever wants more will say so
    }

    [Fact]
    public void What_is_given_ends_the_need()
    {
        SpanStock<ulong> stock = NewStock(target: 0);
        Add(stock, 0);
        Assert.Null(Import(stock, 9));
        Assert.Equal([9], Missing(stock));
        Assert.Equal(0ul, Import(stock, 8));
        Assert.Empty(Missing(stock));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(32)]
    public void More_than_the_arena_has_is_no_need(ulong align)
    {
        SpanStock<ulong> stock = NewStock(target: 0);
        Assert.Null(Import(stock, 1025, new() { Align = align }));
        Assert.Empty(Missing(stock));
        Assert.Null(Import(stock, 1024, new() { Align = align }));
        Assert.Null(Import(stock, 1025, new() { Align = align }));
        Assert.Equal([1024], Missing(stock));
    }

    [Fact]
    public void Constraints_that_narrow_nothing_are_none()
    {
        SpanStock<ulong> stock = NewStock(target: 0);
        Assert.Null(Import(stock, 9, new() { Max = 1024, Align = 1 }));
        Assert.False(Assert.Single(stock.Missing(isExactHopeless: true, stock.Room, out _)).IsConstrained);
    }
}
