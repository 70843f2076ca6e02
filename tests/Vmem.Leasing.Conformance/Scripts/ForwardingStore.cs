namespace Vmem.Leasing.Conformance.Scripts;

/// <summary>A store that hands each call on to another; what inherits it changes one thing.</summary>
/// <param name="store">The other.</param>
public abstract class ForwardingStore(LeaseStore store) : LeaseStore
{
    public override ValueTask<LeaseStoreInfo> GetInfoAsync(CancellationToken cancellationToken = default) =>
        store.GetInfoAsync(cancellationToken);

    public override ValueTask<LeaseArena> EnsureArenaAsync(string name, LeaseDefinition? definition = null,
        CancellationToken cancellationToken = default) => store.EnsureArenaAsync(name, definition, cancellationToken);

    public override ValueTask<int> OpenSessionAsync(Guid session, string owner, TimeSpan ttl, long latest,
        CancellationToken cancellationToken = default) => store.OpenSessionAsync(session, owner, ttl, latest, cancellationToken);

    public override ValueTask<LeaseRenewal?> RenewAsync(Guid session, long latest, CancellationToken cancellationToken = default) =>
        store.RenewAsync(session, latest, cancellationToken);

    public override ValueTask CloseSessionAsync(Guid session, bool clean, CancellationToken cancellationToken = default) =>
        store.CloseSessionAsync(session, clean, cancellationToken);

    public override ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default) =>
        store.GrantAsync(request, cancellationToken);

    public override ValueTask<bool> ReleaseAsync(LeaseClaim claim, bool clean, long? watermark = null,
        CancellationToken cancellationToken = default) => store.ReleaseAsync(claim, clean, watermark, cancellationToken);

    public override ValueTask<IReadOnlyList<LeaseClaim>> GetHeldAsync(Guid session, CancellationToken cancellationToken = default) =>
        store.GetHeldAsync(session, cancellationToken);

    public override ValueTask<LeaseReassertion> ReassertAsync(LeaseClaim claim, CancellationToken cancellationToken = default) =>
        store.ReassertAsync(claim, cancellationToken);

    public override ValueTask<bool> MarkAsync(LeaseClaim claim, long watermark, CancellationToken cancellationToken = default) =>
        store.MarkAsync(claim, watermark, cancellationToken);

    public override ValueTask<UInt128> SweepAsync(int arena, CancellationToken cancellationToken = default) =>
        store.SweepAsync(arena, cancellationToken);

    public override ValueTask<LeaseUsage> GetUsageAsync(int arena, CancellationToken cancellationToken = default) =>
        store.GetUsageAsync(arena, cancellationToken);

    public override ValueTask<IReadOnlyList<LeaseExtent>> ListAsync(int arena, CancellationToken cancellationToken = default) =>
        store.ListAsync(arena, cancellationToken);

    public override ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadAuditAsync(int arena, long after = 0, int limit = 1000,
        CancellationToken cancellationToken = default) => store.ReadAuditAsync(arena, after, limit, cancellationToken);

    public override ValueTask<IReadOnlyList<string>> ValidateAsync(int arena, CancellationToken cancellationToken = default) =>
        store.ValidateAsync(arena, cancellationToken);

    public override ValueTask<IReadOnlyList<LeaseArena>> ListArenasAsync(CancellationToken cancellationToken = default) =>
        store.ListArenasAsync(cancellationToken);

    public override ValueTask<IReadOnlyList<LeaseSessionInfo>> ListSessionsAsync(CancellationToken cancellationToken = default) =>
        store.ListSessionsAsync(cancellationToken);

    public override ValueTask<long> PruneAsync(DateTimeOffset before, CancellationToken cancellationToken = default) =>
        store.PruneAsync(before, cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
