using Vmem.Leasing.Conformance.Scripts;

namespace Vmem.Leasing.Tests.Stores;

/// <summary>The orders themselves: all, each once, each client's turns as many as it has.</summary>
public sealed class InterleavingsTests
{
    [Theory]
    [InlineData(new[] { 1 }, 1)]
    [InlineData(new[] { 2, 2 }, 6)]
    [InlineData(new[] { 3, 0, 2 }, 10)]
    [InlineData(new[] { 2, 3, 4 }, 1260)]
    public void All_orders_are_different_and_keep_the_turns(int[] lengths, int count)
    {
        Assert.Equal(count, Interleavings.Count(lengths));
        string[] orders = [.. Interleavings.Choose(lengths, count, seed: 1)
            .Select(number => string.Concat(Interleavings.At(lengths, number)))];
        Assert.Equal(count, orders.Distinct().Count());
        Assert.All(orders, order => Assert.Equal(lengths, lengths.Select((_, client) => order.Count(turn => turn == '0' + client))));
    }

    [Fact]
    public void Of_many_some_are_drawn_from_everywhere_and_the_same_for_a_seed()
    {
        int[] lengths = [5, 5, 5];
        long count = Interleavings.Count(lengths);
        long[] chosen = [.. Interleavings.Choose(lengths, 100, seed: 7)];
        Assert.Equal(756_756, count);
        Assert.All(chosen.Index(), one => Assert.InRange(one.Item, one.Index * count / 100, (one.Index + 1) * count / 100 - 1));
        Assert.Equal(chosen, Interleavings.Choose(lengths, 100, seed: 7));
        Assert.NotEqual(chosen, Interleavings.Choose(lengths, 100, seed: 8));
    }
}
