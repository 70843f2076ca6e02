using Vmem.Checks;

namespace Vmem.Leasing.Sessions;

/// <summary>What a session inherited, until the arena that it is of is opened.</summary>
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
    public Holding[] Take(int arena)
    {
        using (_lock.EnterScope())
        {
            Holding[] taken = [.. _holdings.Where(holding => holding.Claim.Arena == arena).OrderBy(static holding => holding.Claim.Start)];
            _holdings.RemoveAll(holding => holding.Claim.Arena == arena);
            return taken;
        }
    }

    /// <summary>Takes the lowest single value of an arena; null: none is left.</summary>
    public Holding? TakeOne(int arena)
    {
        using (_lock.EnterScope())
        {
            Holding? taken = _holdings.Where(holding => holding.Claim.Arena == arena && holding.Claim.Size == 1)
                .MinBy(static holding => holding.Claim.Start);
            if (taken is not null)
            {
                _holdings.Remove(taken);
            }

            return taken;
        }
    }

    /// <summary>Takes a lease back from an arena that was closed.</summary>
    public void Keep(Holding holding)
    {
        holding.Holder = this;
        using (_lock.EnterScope())
        {
            _holdings.Add(holding);
        }
    }

    public void Lose(Holding holding, string reason)
    {
        using (_lock.EnterScope())
        {
            _holdings.Remove(holding);
        }
    }

    public void Resume()
    {
    }

    public ValueTask CloseAsync() => ValueTask.CompletedTask;
}
