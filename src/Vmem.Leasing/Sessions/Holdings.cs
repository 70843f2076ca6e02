using Vmem.Checks;

namespace Vmem.Leasing.Sessions;

/// <summary>What a session holds, what it is giving back, and what it has asked for and not been answered.</summary>
/// <remarks>
/// The store's list and this one differ while calls are under way. The rule for what the store has and this does not (R11): it is given
/// back, unless its request is still awaited. So a request is noted here before it is sent, and a lease that is given back stays here until
/// the store has said so. Else a list that is read in between would have it given back twice, and cleanly.
/// </remarks>
internal sealed class Holdings
{
    private readonly Gate _lock = new();
    private readonly Dictionary<(int Arena, long Fence), Holding> _holdings = [];
    private readonly HashSet<Guid> _awaited = [];

    public int Count
    {
        get
        {
            using (_lock.EnterScope())
            {
                return _holdings.Count;
            }
        }
    }

    /// <summary>Whether anything is being given back that others must not get at once.</summary>
    public bool HasUncleanReturns
    {
        get
        {
            using (_lock.EnterScope())
            {
                return _holdings.Values.Any(holding => holding.Return is { IsClean: false });
            }
        }
    }

    /// <summary>Whether a store has just what is held, and what is being given back: as many leases, of the same requests. False if it
    /// does not say of which.</summary>
    public bool AreKnownBy(LeaseRenewal renewal)
    {
        using (_lock.EnterScope())
        {
            return renewal.Held == _holdings.Count && (_holdings.Count == 0
                || renewal.Digest == LeaseRenewal.DigestOf(_holdings.Values.Select(static holding => holding.Claim.Request)));
        }
    }

    public void Await(IReadOnlyList<LeaseRequest> requests)
    {
        using (_lock.EnterScope())
        {
            foreach (LeaseRequest request in requests)
            {
                _awaited.Add(request.Id);
            }
        }
    }

    public void Forget(Guid request)
    {
        using (_lock.EnterScope())
        {
            _awaited.Remove(request);
        }
    }

    /// <summary>What is held and was granted for a request; null: nothing.</summary>
    public Holding? GrantedFor(Guid request)
    {
        using (_lock.EnterScope())
        {
            return _holdings.Values.FirstOrDefault(holding => holding.Claim.Request == request);
        }
    }

    /// <returns>What is held from now on: a lease that was granted before, and is so again as its request was repeated, stays the object
    /// that it is. Else one would be given back while the other is in use.</returns>
    public Holding Add(Holding holding)
    {
        using (_lock.EnterScope())
        {
            Holding held = _holdings.TryAdd(KeyOf(holding.Claim), holding) ? holding : _holdings[KeyOf(holding.Claim)];
            _awaited.Remove(holding.Claim.Request);            // last: if there was no memory for the holding, it is still awaited
            return held;
        }
    }

    /// <summary>Whether it was there.</summary>
    public bool Remove(Holding holding)
    {
        using (_lock.EnterScope())
        {
            return Has(holding) && _holdings.Remove(KeyOf(holding.Claim));
        }
    }

    /// <summary>False if it is being given back already, or is gone.</summary>
    public bool BeginReturn(Holding holding, Return how)
    {
        using (_lock.EnterScope())
        {
            if (holding.Return is not null || !Has(holding))
            {
                return false;
            }

            holding.Return = how;
            return true;
        }
    }

    public Holding[] All()
    {
        using (_lock.EnterScope())
        {
            return [.. _holdings.Values];
        }
    }

    /// <summary>Takes all that is held, for good.</summary>
    public Holding[] Clear()
    {
        using (_lock.EnterScope())
        {
            Holding[] all = [.. _holdings.Values];
            _holdings.Clear();
            _awaited.Clear();
            return all;
        }
    }

    /// <summary>Whether it is held, and is not being lost.</summary>
    public bool IsHeld(Holding holding)
    {
        using (_lock.EnterScope())
        {
            return Has(holding) && holding.Loss is null;
        }
    }

    /// <summary>It is lost, for good. It stays here until whoever has it was told.</summary>
    /// <returns>False if it is here no more.</returns>
    public bool BeginLoss(Holding holding, string reason)
    {
        using (_lock.EnterScope())
        {
            if (!Has(holding))
            {
                return false;
            }

            holding.Loss = reason;                             // before its holder is looked at: see Legacy.Keep
            return true;
        }
    }

    /// <summary>Whether a lease that the store has of us is held, being given back, or awaited.</summary>
    public bool Knows(LeaseClaim claim)
    {
        using (_lock.EnterScope())
        {
            return _awaited.Contains(claim.Request) || _holdings.ContainsKey(KeyOf(claim));
        }
    }

    private bool Has(Holding holding) => _holdings.GetValueOrDefault(KeyOf(holding.Claim)) == holding;

    private static (int Arena, long Fence) KeyOf(LeaseClaim claim) => (claim.Arena, claim.Fence);
}
