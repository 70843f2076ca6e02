using Vmem.Leasing;

namespace Vmem.Leasing.Conformance;

/// <summary>What every <see cref="LeaseStore"/> must do. An engine's tests inherit this and say how to make one, how its clock moves, and
/// how it fails over.</summary>
/// <remarks>No test waits: time is moved. After each test the arena's invariants are checked.</remarks>
public abstract partial class LeaseStoreContract : IAsyncLifetime
{
    /// <summary>Of all arenas and sessions here, unless a test says otherwise.</summary>
    protected static readonly TimeSpan Ttl = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(1);

    private LeaseStore? _store;
    private LeaseArena? _arena;

    protected LeaseStore Store => _store!;

    /// <summary>[1000, 1064), quantum 1.</summary>
    protected LeaseArena Arena => _arena!;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>An empty store.</summary>
    protected abstract ValueTask<LeaseStore> CreateAsync();

    /// <summary>Moves the store's clock.</summary>
    protected abstract ValueTask ElapseAsync(TimeSpan time);

    /// <summary>Remembers all that the store has, as a replica does.</summary>
    protected abstract ValueTask RememberAsync();

    /// <summary>Fails over to what was remembered.</summary>
    protected abstract ValueTask FailOverAsync();

    public async ValueTask InitializeAsync()
    {
        _store = await CreateAsync();
        _arena = await Store.EnsureArenaAsync("ids", Definition(64), Token);
    }

    public async ValueTask DisposeAsync()
    {
        Assert.Empty(await Store.ValidateAsync(Arena.Id, Token));
        await Store.DisposeAsync();
        await EndAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends what the engine's tests made for one store.</summary>
    protected virtual ValueTask EndAsync() => ValueTask.CompletedTask;

    protected static LeaseDefinition Definition(int size, int quantum = 1, TimeSpan? quarantine = null) => new()
    {
        Start = 1000,
        Size = (UInt128)size,
        Quantum = (UInt128)quantum,
        Type = "UInt64",
        Quarantine = quarantine ?? Ttl,
    };

    protected async Task<Guid> OpenAsync(TimeSpan? ttl = null, long latest = 0)
    {
        var session = Guid.NewGuid();
        await Store.OpenSessionAsync(session, "tests", ttl ?? Ttl, latest, Token);
        return session;
    }

    protected LeaseRequest Request(Guid session, int size, LeaseArena? arena = null) =>
        new((arena ?? Arena).Id, session, Guid.NewGuid(), (UInt128)size);

    /// <summary>A request for just these values.</summary>
    protected LeaseRequest Place(Guid session, int start, int size) =>
        Request(session, size) with { Min = (UInt128)start, Max = (UInt128)(start + size) };

    protected async Task<LeaseClaim> GrantAsync(Guid session, int size, LeaseArena? arena = null)
    {
        LeaseAnswer answer = await Store.GrantAsync(Request(session, size, arena), Token);
        Assert.Equal(LeaseVerdict.Granted, answer.Verdict);
        return answer.Claim!;
    }

    protected async Task<LeaseVerdict> TryAsync(Guid session, int size, LeaseArena? arena = null) =>
        (await Store.GrantAsync(Request(session, size, arena), Token)).Verdict;

    protected ValueTask<UInt128> SweepAsync(LeaseArena? arena = null) => Store.SweepAsync((arena ?? Arena).Id, Token);

    protected ValueTask ElapseAsync(double ttls) => ElapseAsync(Ttl * ttls + s_tick);

    protected async Task RenewAsync(Guid session, long latest = 0) => Assert.NotNull(await Store.RenewAsync(session, latest, Token));

    /// <summary>The extents in short: <c>1000+64 Free</c>.</summary>
    protected async Task<string[]> ExtentsAsync(LeaseArena? arena = null) =>
        [.. (await Store.ListAsync((arena ?? Arena).Id, Token)).Select(extent => $"{extent.Start}+{extent.Size} {extent.State}")];

    /// <summary>From silence to reuse: it lapses, a quarantine later it dies.</summary>
    protected async Task BuryAsync()
    {
        await ElapseAsync(1);
        await SweepAsync();
        await ElapseAsync(1);
        await SweepAsync();
    }

    /// <summary>Both phases of a hold.</summary>
    protected async Task OutlastHoldAsync()
    {
        await ElapseAsync(1);
        await SweepAsync();
        await ElapseAsync(1);
        await SweepAsync();
    }
}
