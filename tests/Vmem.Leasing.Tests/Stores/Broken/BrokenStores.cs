using Vmem.Leasing.Conformance.Scripts;

namespace Vmem.Leasing.Tests.Stores.Broken;

/// <summary>Quarantine is off: what is given back unclean can be leased at once.</summary>
public sealed class FreesAtOnce(LeaseStore store) : ForwardingStore(store)
{
    public override ValueTask<bool> ReleaseAsync(LeaseClaim claim, bool clean, long? watermark = null,
        CancellationToken cancellationToken = default) => base.ReleaseAsync(claim, clean: true, watermark, cancellationToken);
}

/// <summary>R3 is off: between lapse and death is less time than holders believe.</summary>
public sealed class BuriesEarly(LeaseStore store) : ForwardingStore(store)
{
    private const int Part = 10;

    public override async ValueTask<LeaseArena> EnsureArenaAsync(string name, LeaseDefinition? definition = null,
        CancellationToken cancellationToken = default)
    {
        LeaseDefinition hasty = definition! with { Quarantine = definition.Quarantine / Part };
        return await base.EnsureArenaAsync(name, hasty, cancellationToken) with { Definition = definition };
    }

    public override ValueTask<int> OpenSessionAsync(Guid session, string owner, TimeSpan ttl, long latest,
        CancellationToken cancellationToken = default) => base.OpenSessionAsync(session, owner, ttl / Part, latest, cancellationToken);
}

/// <summary>R3 is off: the dead are renewed.</summary>
public sealed class RevivesTheDead(LeaseStore store) : ForwardingStore(store)
{
    public override async ValueTask<LeaseRenewal?> RenewAsync(Guid session, long latest, CancellationToken cancellationToken = default) =>
        await base.RenewAsync(session, latest, cancellationToken)
            ?? new LeaseRenewal(1, (await GetInfoAsync(cancellationToken)).Incarnation, 0);
}

/// <summary>Fences are off: all are the same.</summary>
public sealed class ReusesFences(LeaseStore store) : ForwardingStore(store)
{
    private readonly Dictionary<LeaseClaim, LeaseClaim> _claims = [];

    public override async ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default)
    {
        LeaseAnswer answer = await base.GrantAsync(request, cancellationToken);
        if (answer.Claim is not { } claim)
        {
            return answer;
        }

        LeaseClaim told = claim with { Fence = 1 };
        _claims[told] = claim;
        return answer with { Claim = told };
    }

    public override ValueTask<bool> ReleaseAsync(LeaseClaim claim, bool clean, long? watermark = null,
        CancellationToken cancellationToken = default) => base.ReleaseAsync(_claims[claim], clean, watermark, cancellationToken);
}

/// <summary>R2 is off: if there is no room, what was granted last is granted again.</summary>
public sealed class GrantsTwice(LeaseStore store) : ForwardingStore(store)
{
    private LeaseClaim? _last;

    public override async ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default)
    {
        LeaseAnswer answer = await base.GrantAsync(request, cancellationToken);
        _last = answer.Claim ?? (answer.Verdict == LeaseVerdict.NoRoom && _last is { } last
            ? last with { Session = request.Session, Request = request.Id, Fence = last.Fence + 1 } : null);
        return _last is null ? answer : new LeaseAnswer(LeaseVerdict.Granted, _last);
    }
}

/// <summary>R11 is off: the same request is another grant.</summary>
public sealed class ForgetsRequests(LeaseStore store) : ForwardingStore(store)
{
    public override async ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default)
    {
        LeaseAnswer answer = await base.GrantAsync(request with { Id = Guid.NewGuid() }, cancellationToken);
        return answer with { Claim = answer.Claim is { } claim ? claim with { Request = request.Id } : null };
    }
}

/// <summary>The audit lacks one kind of entry.</summary>
public sealed class Conceals(LeaseStore store, LeaseEvent what) : ForwardingStore(store)
{
    public override async ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadAuditAsync(int arena, long after = 0, int limit = 1000,
        CancellationToken cancellationToken = default) =>
        [.. (await base.ReadAuditAsync(arena, after, limit, cancellationToken)).Where(entry => entry.Event != what)];
}

/// <summary>The invariants do not hold.</summary>
public sealed class IsInvalid(LeaseStore store) : ForwardingStore(store)
{
    public override async ValueTask<IReadOnlyList<string>> ValidateAsync(int arena, CancellationToken cancellationToken = default)
    {
        LeaseArena known = (await ListArenasAsync(cancellationToken)).Single(one => one.Id == arena);
        IReadOnlyList<LeaseExtent> extents = await ListAsync(arena, cancellationToken);
        return LeaseInvariants.Check(known, [.. extents.Skip(1)], await ReadAuditAsync(arena, 0, int.MaxValue, cancellationToken));
    }
}
