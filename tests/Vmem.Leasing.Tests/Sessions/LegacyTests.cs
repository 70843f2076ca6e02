using Vmem.Leasing.Sessions;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>What a session inherited, and who takes it.</summary>
public sealed class LegacyTests
{
    private readonly Legacy _legacy = new();

    [Fact]
    public void An_arena_takes_what_is_its_own_in_order_of_address_and_once()
    {
        Holding[] added = [Add(1, 30, 8), Add(2, 10, 8), Add(1, 10, 8), Add(1, 20, 1)];
        Assert.All(added, holding => Assert.Same(_legacy, holding.Holder));
        Assert.Equal([added[2], added[3], added[0]], _legacy.Take(1));
        Assert.Empty(_legacy.Take(1));
        Assert.Empty(_legacy.Take(3));
        Assert.Equal([added[1]], _legacy.Take(2));
    }

    [Fact]
    public void The_lowest_single_value_of_an_arena_is_taken_first()
    {
        Holding[] added = [Add(1, 30, 1), Add(1, 5, 2), Add(2, 1, 1), Add(1, 20, 1)];
        Assert.Equal(added[3], _legacy.TakeOne(1));
        Assert.Equal(added[0], _legacy.TakeOne(1));
        Assert.Null(_legacy.TakeOne(1));
        Assert.Equal([added[1]], _legacy.Take(1));
        Assert.Equal(added[2], _legacy.TakeOne(2));
    }

    [Fact]
    public void What_an_arena_leaves_is_there_for_the_next_until_it_is_lost()
    {
        Holding left = Add(1, 30, 8);
        Assert.Equal([left], _legacy.Take(1));
        left.Holder = new Legacy();
        _legacy.Keep(left);
        Assert.Same(_legacy, left.Holder);
        Holding other = Add(1, 40, 8);
        _legacy.Lose(left, "");
        Assert.Equal([other], _legacy.Take(1));
    }

    private Holding Add(int arena, UInt128 start, UInt128 size) =>
        _legacy.Add(new LeaseClaim(arena, Guid.Empty, start, size, 1, Guid.Empty));
}
