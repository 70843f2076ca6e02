namespace Vmem.Leasing.Tests.Fakes;

/// <summary>What becomes of a call.</summary>
public enum CallFate
{
    /// <summary>It is answered.</summary>
    Answered,

    /// <summary>The request is lost: nothing happens, and no answer comes.</summary>
    RequestLost,

    /// <summary>It happens, and no answer comes.</summary>
    AnswerLost,

    /// <summary>Nothing happens, and an error comes.</summary>
    Fails,
}

/// <summary>A store behind a network that a test controls. What is lost never answers, also not to a cancelled call.</summary>
public sealed class UnreliableStore(LeaseStore store) : LeaseStore
{
    private int _calls;
    private int _grants;

    /// <summary>What becomes of calls from now on, by name; null: all are answered.</summary>
    public Func<string, CallFate>? Fate { get; set; }

    /// <summary>What a call waits for before its answer goes back, by name.</summary>
    public Func<string, Task>? Delay { get; set; }

    /// <summary>What a session with a name inherits, by its number; null: whatever the store says.</summary>
    public Func<Guid, ValueTask<IReadOnlyList<LeaseClaim>>>? Legacy { get; set; }

    /// <summary>Whether renewals say which leases are held, and not only how many.</summary>
    public bool HasDigests { get; set; } = true;

    /// <summary>The names of the calls from now on, in their order. Mends the way.</summary>
    public List<string> Record()
    {
        List<string> calls = [];
        Fate = name =>
        {
            calls.Add(name);
            return CallFate.Answered;
        };
        return calls;
    }

    public int Calls => Volatile.Read(ref _calls);

    public int Grants => Volatile.Read(ref _grants);

    public override ValueTask<LeaseStoreInfo> GetInfoAsync(CancellationToken cancellationToken = default) =>
        PassAsync("info", () => store.GetInfoAsync(cancellationToken));

    public override ValueTask<LeaseArena> EnsureArenaAsync(string name, LeaseDefinition? definition = null,
        CancellationToken cancellationToken = default) => PassAsync("ensure", () => store.EnsureArenaAsync(name, definition, cancellationToken));

    public override ValueTask<int> OpenSessionAsync(Guid session, string owner, TimeSpan ttl, long latest,
        CancellationToken cancellationToken = default) =>
        PassAsync("open", () => store.OpenSessionAsync(session, owner, ttl, latest, cancellationToken));

    public override ValueTask<LeaseRenewal?> RenewAsync(Guid session, long latest, CancellationToken cancellationToken = default) =>
        PassAsync("renew", async () =>
        {
            LeaseRenewal? renewal = await store.RenewAsync(session, latest, cancellationToken);
            return HasDigests || renewal is null ? renewal : renewal with { Digest = null };
        });

    public override async ValueTask CloseSessionAsync(Guid session, bool clean, CancellationToken cancellationToken = default) =>
        await PassAsync("close", async () =>
        {
            await store.CloseSessionAsync(session, clean, cancellationToken);
            return true;
        });

    public override ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _grants);
        return PassAsync("grant", () => store.GrantAsync(request, cancellationToken));
    }

    public override ValueTask<IReadOnlyList<LeaseClaim>> InheritAsync(Guid session, string name,
        CancellationToken cancellationToken = default) =>
        PassAsync("inherit", () => Legacy is { } legacy ? legacy(session) : store.InheritAsync(session, name, cancellationToken));

    public override ValueTask<bool> ReleaseAsync(LeaseClaim claim, bool clean, long? watermark = null,
        CancellationToken cancellationToken = default) => PassAsync("release", () => store.ReleaseAsync(claim, clean, watermark, cancellationToken));

    public override ValueTask<IReadOnlyList<LeaseClaim>> GetHeldAsync(Guid session, CancellationToken cancellationToken = default) =>
        PassAsync("held", () => store.GetHeldAsync(session, cancellationToken));

    public override ValueTask<LeaseReassertion> ReassertAsync(LeaseClaim claim, CancellationToken cancellationToken = default) =>
        PassAsync("reassert", () => store.ReassertAsync(claim, cancellationToken));

    public override ValueTask<bool> MarkAsync(LeaseClaim claim, long watermark, CancellationToken cancellationToken = default) =>
        PassAsync("mark", () => store.MarkAsync(claim, watermark, cancellationToken));

    public override ValueTask<UInt128> SweepAsync(int arena, CancellationToken cancellationToken = default) =>
        PassAsync("sweep", () => store.SweepAsync(arena, cancellationToken));

    public override ValueTask<LeaseUsage> GetUsageAsync(int arena, CancellationToken cancellationToken = default) =>
        PassAsync("usage", () => store.GetUsageAsync(arena, cancellationToken));

    public override ValueTask<IReadOnlyList<LeaseExtent>> ListAsync(int arena, CancellationToken cancellationToken = default) =>
        PassAsync("list", () => store.ListAsync(arena, cancellationToken));

    public override ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadAuditAsync(int arena, long after = 0, int limit = 1000,
        CancellationToken cancellationToken = default) => PassAsync("audit", () => store.ReadAuditAsync(arena, after, limit, cancellationToken));

    public override ValueTask<IReadOnlyList<string>> ValidateAsync(int arena, CancellationToken cancellationToken = default) =>
        PassAsync("validate", () => store.ValidateAsync(arena, cancellationToken));

    public override ValueTask<IReadOnlyList<LeaseArena>> ListArenasAsync(CancellationToken cancellationToken = default) =>
        PassAsync("arenas", () => store.ListArenasAsync(cancellationToken));

    public override ValueTask<IReadOnlyList<LeaseSessionInfo>> ListSessionsAsync(CancellationToken cancellationToken = default) =>
        PassAsync("sessions", () => store.ListSessionsAsync(cancellationToken));

    public override ValueTask<long> PruneAsync(DateTimeOffset before, CancellationToken cancellationToken = default) =>
        PassAsync("prune", () => store.PruneAsync(before, cancellationToken));

    private async ValueTask<TResult> PassAsync<TResult>(string name, Func<ValueTask<TResult>> call)
    {
        Interlocked.Increment(ref _calls);
        switch (Fate?.Invoke(name) ?? CallFate.Answered)
        {
            case CallFate.RequestLost:
                await Never();
                break;
            case CallFate.AnswerLost:
                await call();
                await Never();
                break;
            case CallFate.Fails:
                throw new IOException("The connection was reset.");
        }

        TResult result = await call();
        await (Delay?.Invoke(name) ?? Task.CompletedTask);
        return result;
    }

    private static Task Never() => new TaskCompletionSource().Task;
}
