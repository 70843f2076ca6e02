using Vmem.Checks;

namespace Vmem.Leasing.Sessions;

/// <summary>What a session inherited, until the arena that it is of is opened.</summary>
/// <remarks>Who has a lease changes under the lock, together with its leaving the list. A loss that was on its way here, and finds nothing,
/// goes on to who has it now.</remarks>
internal sealed class Legacy : ILeaseHolder
{
    private readonly Gate _lock = new();
    private readonly List<Holding> _holdings = [];

    /// <summary>Takes note of a lease.</summary>
    public Holding Add(LeaseClaim claim)
    {
        var holding = new Holding(claim, this, null);
        using (_lock.EnterScope())
        {
            _holdings.Add(holding);
        }

        return holding;
    }

    /// <summary>Takes what is of an arena, in order of address, for whoever opened it first.</summary>
    public Holding[] Take(int arena, ILeaseHolder holder)
    {
        using (_lock.EnterScope())
        {
            Holding[] taken = [.. _holdings.Where(holding => holding.Claim.Arena == arena).OrderBy(static holding => holding.Claim.Start)];
            _holdings.RemoveAll(holding => holding.Claim.Arena == arena);
            Array.ForEach(taken, holding => holding.Holder = holder);
            return taken;
        }
    }

    /// <summary>Takes the lowest single value of an arena; null: none is left.</summary>
    public Holding? TakeOne(int arena, ILeaseHolder holder)
    {
        using (_lock.EnterScope())
        {
            Holding? taken = _holdings.Where(holding => holding.Claim.Arena == arena && holding.Claim.Size == 1)
                .MinBy(static holding => holding.Claim.Start);
            if (taken is not null)
            {
                _holdings.Remove(taken);
                taken.Holder = holder;
            }

            return taken;
        }
    }

    /// <summary>Takes a lease back from an arena that was closed, unless it was lost meanwhile.</summary>
    /// <param name="holding">The lease.</param>
    /// <param name="isHeld">Asked under the lock, before anybody can take it from here. Who loses it later finds it, or who took
    /// it.</param>
    public void Keep(Holding holding, Predicate<Holding> isHeld)
    {
        using (_lock.EnterScope())
        {
            holding.Holder = this;
            if (isHeld(holding))
            {
                _holdings.Add(holding);
            }
        }
    }

    public void Lose(Holding holding, string reason)
    {
        bool wasHere;
        using (_lock.EnterScope())
        {
            wasHere = _holdings.Remove(holding);
        }

        if (!wasHere && holding.Holder is var taker && taker != this)
        {
            taker.Lose(holding, reason);
        }
    }

    public void Resume()
    {
    }

    public ValueTask CloseAsync() => ValueTask.CompletedTask;
}
