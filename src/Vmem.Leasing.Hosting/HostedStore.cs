namespace Vmem.Leasing.Hosting;

/// <summary>The store as the host's session has it: nothing goes back to it from a container that is disposed of before the host has
/// stopped.</summary>
/// <remarks>
/// A container disposes of arenas and worker IDs that it made before the session, for they were made after it. Each of them gives back
/// what it has. But if the host's start failed, or it was never stopped, services may still use that. The answer is then that of a lease
/// that was gone: the session asks no more, and the store keeps it until the session has died. A host that was stopped has ended its
/// session before the container goes.
/// Rejected: an end of the session that is made last. Whatever services make while the host starts comes after it.
/// </remarks>
internal sealed class HostedStore(LeaseStore store, IServiceProvider provider) : LeaseStore
{
    /// <summary>Whether the store has heard that the session is closed. Null: it was not to hear it.</summary>
    public bool? HasClosed { get; private set; }

    private bool IsContainerGoing
    {
        get
        {
            try
            {
                _ = provider.GetService(typeof(HostedLeases));
                return false;
            }
            catch (ObjectDisposedException)
            {
                return true;
            }
        }
    }

    public override ValueTask<bool> ReleaseAsync(LeaseClaim claim, bool clean, long? watermark = null,
        CancellationToken cancellationToken = default) => IsContainerGoing
            ? ValueTask.FromResult(false)
            : store.ReleaseAsync(claim, clean, watermark, cancellationToken);

    public override async ValueTask CloseSessionAsync(Guid session, bool clean, CancellationToken cancellationToken = default)
    {
        if (!IsContainerGoing)
        {
            HasClosed = false;
            await store.CloseSessionAsync(session, clean, cancellationToken).ConfigureAwait(false);
            HasClosed = true;
        }
    }

    public override ValueTask<LeaseStoreInfo> GetInfoAsync(CancellationToken cancellationToken = default) =>
        store.GetInfoAsync(cancellationToken);

    public override ValueTask<LeaseArena> EnsureArenaAsync(string name, LeaseDefinition? definition = null,
        CancellationToken cancellationToken = default) => store.EnsureArenaAsync(name, definition, cancellationToken);

    public override ValueTask<int> OpenSessionAsync(Guid session, string owner, TimeSpan ttl, long latest,
        CancellationToken cancellationToken = default) => store.OpenSessionAsync(session, owner, ttl, latest, cancellationToken);

    public override ValueTask<LeaseRenewal?> RenewAsync(Guid session, long latest, CancellationToken cancellationToken = default) =>
        store.RenewAsync(session, latest, cancellationToken);

    public override ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default) =>
        store.GrantAsync(request, cancellationToken);

    public override ValueTask<IReadOnlyList<LeaseAnswer>> GrantManyAsync(IReadOnlyList<LeaseRequest> requests,
        CancellationToken cancellationToken = default) => store.GrantManyAsync(requests, cancellationToken);

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

    public override ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadNewestAuditAsync(int arena, int limit = 1000,
        CancellationToken cancellationToken = default) => store.ReadNewestAuditAsync(arena, limit, cancellationToken);

    public override ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadHistoryAsync(int arena, UInt128 value, int limit = 1000,
        CancellationToken cancellationToken = default) => store.ReadHistoryAsync(arena, value, limit, cancellationToken);

    public override ValueTask<IReadOnlyList<string>> ValidateAsync(int arena, CancellationToken cancellationToken = default) =>
        store.ValidateAsync(arena, cancellationToken);

    public override ValueTask<IReadOnlyList<LeaseArena>> ListArenasAsync(CancellationToken cancellationToken = default) =>
        store.ListArenasAsync(cancellationToken);

    public override ValueTask<IReadOnlyList<LeaseSessionInfo>> ListSessionsAsync(CancellationToken cancellationToken = default) =>
        store.ListSessionsAsync(cancellationToken);

    public override ValueTask<long> PruneAsync(DateTimeOffset before, CancellationToken cancellationToken = default) =>
        store.PruneAsync(before, cancellationToken);

    public override ValueTask<IReadOnlyList<LeaseClaim>> InheritAsync(Guid session, string name,
        CancellationToken cancellationToken = default) => store.InheritAsync(session, name, cancellationToken);

    public override IDisposable? WatchRoom(int arena, Action mayHaveRoom) => store.WatchRoom(arena, mayHaveRoom);

    public override async ValueTask DisposeAsync()
    {
        await store.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
