using Vmem.Leasing.Sessions;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>What a session inherited, and who takes it.</summary>
public sealed class LegacyTests
{
    private readonly Legacy _legacy = new();
    private readonly LossNotes _taker = new();

    [Fact]
    public void An_arena_takes_what_is_its_own_in_order_of_address_and_once()
    {
        Holding[] added = [Add(1, 30, 8), Add(2, 10, 8), Add(1, 10, 8), Add(1, 20, 1)];
        Assert.All(added, holding => Assert.Same(_legacy, holding.Holder));
        Assert.Equal([added[2], added[3], added[0]], _legacy.Take(1, _taker));
        Assert.Empty(_legacy.Take(1, _taker));
        Assert.Empty(_legacy.Take(3, _taker));
        Assert.Equal([added[1]], _legacy.Take(2, _taker));
    }

    [Fact]
    public void The_lowest_single_value_of_an_arena_is_taken_first()
    {
        Holding[] added = [Add(1, 30, 1), Add(1, 5, 2), Add(2, 1, 1), Add(1, 20, 1)];
        Assert.Equal(added[3], _legacy.TakeOne(1, _taker));
        Assert.Equal(added[0], _legacy.TakeOne(1, _taker));
        Assert.Null(_legacy.TakeOne(1, _taker));
        Assert.Equal([added[1]], _legacy.Take(1, _taker));
        Assert.Equal(added[2], _legacy.TakeOne(2, _taker));
    }

    [Fact]
    public void What_an_arena_leaves_is_there_for_the_next_until_it_is_lost()
    {
        Holding left = Add(1, 30, 8);
        Assert.Equal([left], _legacy.Take(1, _taker));
        _legacy.Keep(left, static _ => true);
        Assert.Same(_legacy, left.Holder);
        Holding other = Add(1, 40, 8);
        _legacy.Lose(left, "");
        Assert.Equal([other], _legacy.Take(1, _taker));
    }

    /// <summary>Who loses a lease looks up its holder, and then tells it: it may be another by then.</summary>
    [Fact]
    public void A_loss_that_was_on_its_way_reaches_whoever_took_the_lease()
    {
        Holding[] added = [Add(1, 30, 8), Add(1, 40, 1)];
        ILeaseHolder former = added[0].Holder;
        Assert.Equal(added, _legacy.Take(1, _taker));
        former.Lose(added[1], "by the test");
        Assert.Equal([added[1]], _taker.Lost);
        _legacy.Keep(added[0], static _ => true);
        former.Lose(added[0], "by the test");
        former.Lose(added[0], "twice");
        Assert.Single(_taker.Lost);
    }

    /// <summary>Who lost it told the arena that was closing. Whoever opens it next would never be told.</summary>
    [Fact]
    public void What_was_lost_while_its_arena_was_closed_is_nobodys_at_any_moment()
    {
        Holding left = Add(1, 30, 8);
        Assert.Equal([left], _legacy.Take(1, _taker));
        Holding[]? taken = null;
        _legacy.Keep(left, _ =>
        {
            taken = _legacy.Take(1, new LossNotes());
            return false;
        });
        Assert.Equal([], taken);
        Assert.Empty(_legacy.Take(1, _taker));
        left.Holder.Lose(left, "by who was on the way");
        Assert.Empty(_taker.Lost);
    }

    private sealed class LossNotes : ILeaseHolder
    {
        public List<Holding> Lost { get; } = [];

        public void Lose(Holding holding, string reason) => Lost.Add(holding);

        public void Resume()
        {
        }

        public ValueTask CloseAsync() => ValueTask.CompletedTask;
    }

    private Holding Add(int arena, UInt128 start, UInt128 size) =>
        _legacy.Add(new LeaseClaim(arena, Guid.Empty, start, size, 1, Guid.Empty));
}
