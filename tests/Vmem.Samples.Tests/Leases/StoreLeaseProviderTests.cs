using Orleans.LeaseProviders;
using Vmem.Leasing;
using Vmem.Leasing.Conformance.Scripts;
using Vmem.Testing.Time;

namespace Vmem.Samples.Tests.Leases;

/// <summary>What Orleans demands of a provider of leases: two silos, each with a provider of its own above one store.</summary>
public sealed class StoreLeaseProviderTests : IAsyncDisposable
{
    private const string Category = "QueueBalancer";

    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    private readonly ManualTime _time = new();
    private readonly InMemoryLeaseStore _store;
    private readonly StoreLeaseProvider _mine;
    private readonly StoreLeaseProvider _theirs;

    public StoreLeaseProviderTests()
    {
        _store = new InMemoryLeaseStore(_time);
        _mine = new StoreLeaseProvider(_store, "mine", _time);
        _theirs = new StoreLeaseProvider(_store, "theirs", _time);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Results_are_in_the_order_of_the_requests()
    {
        AcquiredLease held = await TakeAsync(_theirs, "b");
        AcquireLeaseResult[] results = await _mine.Acquire(Category, [Request("a"), Request("b"), Request("c")]);
        Assert.Equal([ResponseCode.OK, ResponseCode.LeaseNotAvailable, ResponseCode.OK], results.Select(result => result.StatusCode));
        Assert.Equal(["a", "b", "c"], results.Select(result => result.AcquiredLease!.ResourceKey));
        Assert.All(results, result => Assert.Equal(result.StatusCode == ResponseCode.OK, result.AcquiredLease!.Token is not null));
        AcquiredLease[] renewed = [results[2].AcquiredLease!, held, results[0].AcquiredLease!];
        Assert.Equal(["c", "b", "a"], (await _mine.Renew(Category, renewed)).Select(result => result.AcquiredLease!.ResourceKey));
    }

    [Fact]
    public async Task Of_two_requests_for_a_resource_at_once_one_is_met()
    {
        AcquireLeaseResult[] results = await _mine.Acquire(Category, [Request("a"), Request("a")]);
        Assert.Single(results, result => result.StatusCode == ResponseCode.OK);
        Assert.Single(results, result => result.StatusCode == ResponseCode.LeaseNotAvailable);
        await CheckAsync(live: 1);
    }

    [Fact]
    public async Task A_renewed_lease_lasts_and_one_that_is_not_goes_to_another()
    {
        AcquiredLease lease = await TakeAsync(_mine, "a");
        DateTime start = lease.StartTimeUtc;
        for (int i = 0; i < 10; i++)
        {
            _time.Advance(s_minute / 2);
            AcquireLeaseResult renewed = Assert.Single(await _mine.Renew(Category, [lease]));
            Assert.Equal(ResponseCode.OK, renewed.StatusCode);
            lease = renewed.AcquiredLease!;
            Assert.Equal((start += s_minute / 2, s_minute), (lease.StartTimeUtc, lease.Duration));
            Assert.Equal(ResponseCode.LeaseNotAvailable, await AskAsync(_theirs, "a"));
        }

        _time.Advance(s_minute + TimeSpan.FromSeconds(1));
        Assert.Equal(ResponseCode.LeaseNotAvailable, await AskAsync(_theirs, "a"));          // the lapse is stamped
        _time.Advance(s_minute);
        Assert.Equal(ResponseCode.LeaseNotAvailable, await AskAsync(_theirs, "a"));          // a quarantine is not over
        _time.Advance(TimeSpan.FromSeconds(1));
        AcquiredLease next = await TakeAsync(_theirs, "a");
        Assert.NotEqual(lease.Token, next.Token);
        Assert.True(FenceOf(next) > FenceOf(lease));
        Assert.Equal(ResponseCode.InvalidToken, Assert.Single(await _mine.Renew(Category, [lease])).StatusCode);
        await _mine.Release(Category, [lease]);                // too late, and it is another's
        Assert.Equal(ResponseCode.OK, Assert.Single(await _theirs.Renew(Category, [next])).StatusCode);
        await CheckAsync(live: 1);
    }

    [Fact]
    public async Task A_late_renewal_revives_what_nobody_has_had_since()
    {
        AcquiredLease lease = await TakeAsync(_mine, "a");
        _time.Advance(s_minute + TimeSpan.FromSeconds(1));
        Assert.Equal(ResponseCode.LeaseNotAvailable, await AskAsync(_theirs, "a"));
        Assert.Equal(ResponseCode.OK, Assert.Single(await _mine.Renew(Category, [lease])).StatusCode);
        _time.Advance(s_minute);
        Assert.Equal(ResponseCode.LeaseNotAvailable, await AskAsync(_theirs, "a"));
    }

    [Fact]
    public async Task A_released_resource_is_free_at_once_and_its_token_worthless()
    {
        AcquiredLease lease = await TakeAsync(_mine, "a");
        await _theirs.Release(Category, [lease]);              // the token is what counts, and not who shows it
        AcquiredLease next = await TakeAsync(_mine, "a");
        Assert.NotEqual(lease.Token, next.Token);
        Assert.Equal(ResponseCode.InvalidToken, Assert.Single(await _mine.Renew(Category, [lease])).StatusCode);
        await _mine.Release(Category, [lease, lease]);
        Assert.Equal(ResponseCode.LeaseNotAvailable, await AskAsync(_theirs, "a"));
        await CheckAsync(live: 1);
    }

    [Fact]
    public async Task A_wrong_token_is_refused_and_changes_nothing()
    {
        AcquiredLease lease = await TakeAsync(_mine, "a");
        AcquiredLease other = await TakeAsync(_mine, "b");
        string[] parts = lease.Token!.Split('.');
        string?[] wrong =
        [
            null, "", "nonsense", Guid.NewGuid().ToString(), lease.Token + "1", parts[0], $"{Guid.NewGuid():N}.{parts[1]}.{parts[2]}",
            $"{parts[0]}.{parts[1]}.{FenceOf(lease) + 10}",
        ];
        AcquiredLease[] shown = [.. wrong.Select(token => With(lease, token)), With(other, lease.Token)];
        Assert.All(await _mine.Renew(Category, shown), result =>
        {
            Assert.Equal(ResponseCode.InvalidToken, result.StatusCode);
            Assert.Null(result.AcquiredLease!.Token);
        });
        await _mine.Release(Category, shown);
        Assert.All(await _mine.Renew(Category, [lease, other]), result => Assert.Equal(ResponseCode.OK, result.StatusCode));
        await CheckAsync(live: 2);
    }

    [Fact]
    public async Task Categories_are_apart()
    {
        await TakeAsync(_mine, "c", "a/b");
        await TakeAsync(_mine, "b/c", "a");
        await TakeAsync(_mine, "c", "A/b");
        await CheckAsync(live: 3);
    }

    /// <summary>Each lease has a duration of its own, up to that of the first.</summary>
    [Fact]
    public async Task Shorter_leases_of_a_resource_lapse_sooner_and_longer_ones_are_refused()
    {
        AcquiredLease first = await TakeAsync(_mine, "a");
        await _mine.Release(Category, [first]);
        AcquireLeaseResult longer = Assert.Single(await _mine.Acquire(Category, [new("a", 2 * s_minute)]));
        Assert.Equal(ResponseCode.TransientFailure, longer.StatusCode);
        Assert.IsType<LeaseDefinitionException>(longer.FailureException);
        Assert.Equal(ResponseCode.OK, Assert.Single(await _mine.Acquire(Category, [new("a", s_minute / 6)])).StatusCode);
        _time.Advance(s_minute / 6 + TimeSpan.FromSeconds(1));
        Assert.Equal(ResponseCode.LeaseNotAvailable, await AskAsync(_theirs, "a"));
        _time.Advance(s_minute + TimeSpan.FromSeconds(1));
        await TakeAsync(_theirs, "a");
        await CheckAsync(live: 1);
    }

    /// <summary>What comes after a failover may have forgotten leases. None is renewed, and none goes to another before its time.</summary>
    [Fact]
    public async Task After_a_failover_leases_are_taken_anew()
    {
        AcquiredLease known = await TakeAsync(_mine, "known");
        LeaseStoreImage image = _store.TakeImage();
        AcquiredLease forgotten = await TakeAsync(_mine, "forgotten");
        _store.FailOver(image);
        AcquireLeaseResult[] renewed = await _mine.Renew(Category, [known, forgotten]);
        Assert.Equal([ResponseCode.InvalidToken, ResponseCode.InvalidToken], renewed.Select(result => result.StatusCode));
        Assert.Equal(ResponseCode.LeaseNotAvailable, await AskAsync(_theirs, "known"));
        Assert.Equal(ResponseCode.TransientFailure, await AskAsync(_theirs, "forgotten"));
        Assert.InRange(await WaitAsync("forgotten"), 2 * s_minute, 3 * s_minute);          // two phases of the longest quarantine
        Assert.InRange(await WaitAsync("known"), TimeSpan.Zero, 2 * s_minute);             // stamped after them
        Assert.Equal(ResponseCode.InvalidToken, Assert.Single(await _mine.Renew(Category, [known])).StatusCode);
    }

    /// <summary>A store that does not answer is given a third of the lease's duration. What it may have granted goes back.</summary>
    [Fact]
    public async Task A_call_that_fails_is_transient_and_leaves_nothing()
    {
        var failing = new FailingStore(_store);
        var provider = new StoreLeaseProvider(failing, "failing", _time);
        failing.LosesAnswers = true;
        AcquireLeaseResult result = Assert.Single(await provider.Acquire(Category, [Request("a")]));
        Assert.Equal(ResponseCode.TransientFailure, result.StatusCode);
        Assert.IsType<TimeoutException>(result.FailureException);
        failing.LosesAnswers = false;
        AcquiredLease lease = await TakeAsync(provider, "a");
        failing.Hangs = true;
        Task<AcquireLeaseResult[]> renewing = provider.Renew(Category, [lease]);
        _time.Advance(s_minute / 3);
        Assert.Equal(ResponseCode.TransientFailure, Assert.Single(await renewing).StatusCode);
        failing.Hangs = false;
        Assert.Equal(ResponseCode.OK, Assert.Single(await provider.Renew(Category, [lease])).StatusCode);
        await CheckAsync(live: 1);
    }

    private static async Task<AcquiredLease> TakeAsync(StoreLeaseProvider provider, string key, string category = Category)
    {
        AcquireLeaseResult result = Assert.Single(await provider.Acquire(category, [Request(key)]));
        Assert.True(result.StatusCode == ResponseCode.OK, $"{result.StatusCode} {result.FailureException}");
        Assert.Equal((key, s_minute), (result.AcquiredLease!.ResourceKey, result.AcquiredLease.Duration));
        return result.AcquiredLease;
    }

    private static async Task<ResponseCode> AskAsync(StoreLeaseProvider provider, string key) =>
        Assert.Single(await provider.Acquire(Category, [Request(key)])).StatusCode;

    /// <summary>How long it takes until another gets it.</summary>
    private async Task<TimeSpan> WaitAsync(string key)
    {
        TimeSpan passed = TimeSpan.Zero;
        while (await AskAsync(_theirs, key) != ResponseCode.OK)
        {
            _time.Advance(s_minute / 4);
            passed += s_minute / 4;
        }

        return passed;
    }

    private static Orleans.LeaseProviders.LeaseRequest Request(string key) => new(key, s_minute);

    private static AcquiredLease With(AcquiredLease lease, string? token) =>
        new(lease.ResourceKey, lease.Duration, token, lease.StartTimeUtc);

    private static long FenceOf(AcquiredLease lease) => long.Parse(lease.Token!.Split('.')[2]);

    /// <summary>So many are held, no refused request has left a session, and the store is as it should be.</summary>
    private async Task CheckAsync(int live)
    {
        int held = 0;
        foreach (LeaseArena arena in await _store.ListArenasAsync(Token))
        {
            Assert.Empty(await _store.ValidateAsync(arena.Id, Token));
            held += (await _store.ListAsync(arena.Id, Token)).Count(extent => extent.State == LeaseExtentState.Leased);
        }

        Assert.Equal(live, held);
        Assert.Equal(live, (await _store.ListSessionsAsync(Token)).Count(session => session.Stage == LeaseSessionStage.Live));
    }

    /// <summary>Grants, and loses the answer; or does not answer renewals.</summary>
    private sealed class FailingStore(LeaseStore store) : ForwardingStore(store)
    {
        public bool LosesAnswers { get; set; }

        public bool Hangs { get; set; }

        public override async ValueTask<LeaseAnswer> GrantAsync(Vmem.Leasing.LeaseRequest request,
            CancellationToken cancellationToken = default)
        {
            LeaseAnswer answer = await base.GrantAsync(request, cancellationToken);
            return LosesAnswers ? throw new TimeoutException("The answer was lost.") : answer;
        }

        public override async ValueTask<LeaseRenewal?> RenewAsync(Guid session, long latest, CancellationToken cancellationToken = default)
        {
            if (Hangs)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return await base.RenewAsync(session, latest, cancellationToken);
        }
    }
}
