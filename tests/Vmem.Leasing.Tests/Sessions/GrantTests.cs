using Vmem.Leasing.Sessions;
using Vmem.Leasing.Tests.Fakes;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>What a session asks a store for, and gives back to it, call by call.</summary>
public sealed class GrantTests : IAsyncDisposable
{
    private static readonly LeaseDefinition s_definition = new() { Start = 0, Size = 8, Type = nameof(UInt64), Quarantine = Fleet.Ttl };

    private readonly Fleet _fleet = new();
    private readonly Legacy _holder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Fact]
    public async Task Whoever_minds_the_quarantine_gets_no_arena_with_another()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeaseArena arena = await session.EnsureArenaAsync("ids", s_definition, mindsQuarantine: true, Token);
        LeaseDefinition other = s_definition with { Quarantine = Fleet.Ttl * 2 };
        await Assert.ThrowsAsync<LeaseDefinitionException>(() => session.EnsureArenaAsync("ids", other, mindsQuarantine: true, Token));
        Assert.Equal(arena, await session.EnsureArenaAsync("ids", other, mindsQuarantine: false, Token));
        Assert.Equal(arena, await session.EnsureArenaAsync("ids", null, mindsQuarantine: false, Token));
    }

    [Fact]
    public async Task What_is_wrong_with_an_arena_is_said_also_if_its_quarantine_does_not_matter()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeaseDefinitionException none = await Assert.ThrowsAsync<LeaseDefinitionException>(
            () => session.EnsureArenaAsync("ids", null, mindsQuarantine: false, Token));
        Assert.Contains("There is no arena 'ids'", none.Message, StringComparison.Ordinal);
        LeaseDefinitionException wrong = await Assert.ThrowsAsync<LeaseDefinitionException>(
            () => session.EnsureArenaAsync("ids", s_definition with { Size = 0 }, mindsQuarantine: false, Token));
        Assert.Contains("its size is 0", wrong.Message, StringComparison.Ordinal);
    }

    /// <summary>A renewal sees it in the store's list while its answer is under way.</summary>
    [Fact]
    public async Task R11_what_is_awaited_is_not_given_back()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeaseArena arena = await session.EnsureArenaAsync("ids", s_definition, mindsQuarantine: true, Token);
        _fleet.Time.Advance(Fleet.Ttl / 6);
        List<string> calls = _fleet.Network.Record();
        TaskCompletionSource gate = new();
        _fleet.Network.Delay = name => name == "grant" ? gate.Task : Task.CompletedTask;
        Task<(LeaseVerdict Verdict, Holding? Holding)> asking = session.GrantAsync(Request(arena, session), _holder, "ids", Token).AsTask();
        _fleet.Time.Advance(Fleet.Ttl / 4);
        gate.SetResult();
        Assert.Equal(LeaseVerdict.Granted, (await asking).Verdict);
        Assert.Equal(["grant", "renew", "held"], calls);
        Assert.Single(await _fleet.Memory.GetHeldAsync(session.Instance, Token));
    }

    /// <summary>The server that granted it is no more when its answer comes, and its successor does not know the lease.</summary>
    [Fact]
    public async Task R4_an_answer_of_a_server_that_is_no_more_is_not_believed()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeaseArena arena = await session.EnsureArenaAsync("ids", s_definition, mindsQuarantine: true, Token);
        LeaseStoreImage image = _fleet.Memory.TakeImage();
        _fleet.Time.Advance(Fleet.Ttl / 6);
        TaskCompletionSource gate = new();
        _fleet.Network.Delay = name => name == "grant" ? gate.Task : Task.CompletedTask;
        Task<(LeaseVerdict Verdict, Holding? Holding)> asking = session.GrantAsync(Request(arena, session), _holder, "ids", Token).AsTask();
        _fleet.Memory.FailOver(image);
        _fleet.Time.Advance(Fleet.Ttl / 4);
        Assert.Equal(2, session.Incarnation);
        gate.SetResult();
        Assert.Equal((LeaseVerdict.SessionNotLive, null), await asking);
    }

    [Fact]
    public async Task What_was_inherited_is_of_whoever_takes_it()
    {
        LeaseClaim[] claims = [];
        _fleet.Network.Legacy = session =>
        {
            claims = [Claim(1, 8, 1), Claim(1, 7, 2), Claim(2, 6, 3)];
            LeaseClaim Claim(int arena, int start, int fence) => new(arena, session, (UInt128)start, 1, fence, Guid.NewGuid());
            return new(claims);
        };
        LeaseSession heir = await LeaseSession.OpenAsync(_fleet.Network, _fleet.Options with { Name = "service" }, Token);
        Holding[] taken = heir.TakeLegacy(1, _holder);
        Assert.Equal([claims[1], claims[0]], taken.Select(static holding => holding.Claim));
        Assert.All(taken, holding => Assert.Same(_holder, holding.Holder));
        Assert.Empty(heir.TakeLegacy(1, _holder));
        Assert.Equal(claims[2], heir.TakeLegacyValue(2, _holder)!.Claim);
        await heir.DisposeAsync();
    }

    /// <summary>The answer to its release was lost. The store's list shows that it went back: nothing is asked for it any more.</summary>
    [Fact]
    public async Task What_the_store_has_taken_back_is_neither_reasserted_nor_released_again()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 1, Token);
        _fleet.Network.Fate = static name => name == "release" ? CallFate.AnswerLost : CallFate.Answered;
        Task returning = worker.DisposeAsync().AsTask();
        _fleet.Time.Advance(Fleet.Ttl / 4);
        List<string> calls = _fleet.Network.Record();
        _fleet.Time.Advance(Fleet.Ttl / 10);
        Assert.Equal(["renew", "held"], calls);
        _fleet.Time.Advance(Fleet.Ttl / 3);
        Assert.Equal(["renew", "held", "renew"], calls);
        await returning;
    }

    /// <summary>Of many returns only the first asks a store that fails; the renewals do the rest, and ask once for each arena.</summary>
    [Fact]
    public async Task While_a_return_fails_others_wait_for_the_renewals()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId[] workers = [await LeaseAsync(session), await LeaseAsync(session), await LeaseAsync(session)];
        int asked = 0;
        _fleet.Network.Fate = name =>
        {
            asked += name == "release" ? 1 : 0;
            return name == "release" ? CallFate.Fails : CallFate.Answered;
        };
        await workers[0].DisposeAsync();
        await workers[1].DisposeAsync();
        Assert.Equal(1, asked);
        _fleet.Pass(0.4);
        Assert.Equal(2, asked);
        _fleet.Mend();
        _fleet.Pass(0.4);
        List<string> calls = _fleet.Network.Record();
        await workers[2].DisposeAsync();                             // caught up: at once again
        Assert.Equal(["release"], calls);
        Assert.Empty(await _fleet.Memory.GetHeldAsync(session.Instance, Token));
    }

    /// <summary>Two leases that the session never heard of.</summary>
    [Fact]
    public async Task R11_one_release_that_fails_is_enough_for_all_that_is_unknown_of_an_arena()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeaseArena arena = await session.EnsureArenaAsync("ids", s_definition, mindsQuarantine: true, Token);
        await _fleet.Memory.GrantAsync(Request(arena, session), Token);
        await _fleet.Memory.GrantAsync(Request(arena, session), Token);
        int asked = 0;
        _fleet.Network.Fate = name =>
        {
            asked += name == "release" ? 1 : 0;
            return name == "release" ? CallFate.Fails : CallFate.Answered;
        };
        _fleet.Pass(0.4);
        Assert.Equal(1, asked);
        _fleet.Mend();
        _fleet.Pass(0.4);
        Assert.Empty(await _fleet.Memory.GetHeldAsync(session.Instance, Token));
    }

    /// <summary>A release that hangs is asked for by one renewal at a time.</summary>
    [Fact]
    public async Task While_a_return_of_the_renewals_hangs_no_other_is_begun()
    {
        await using LeaseSession session =
            await LeaseSession.OpenAsync(_fleet.Network, _fleet.Options with { RenewEvery = TimeSpan.FromSeconds(2) }, Token);
        WorkerId worker = await LeaseAsync(session);
        _fleet.Network.Fate = static name => name == "release" ? CallFate.Fails : CallFate.Answered;
        await worker.DisposeAsync();
        int hanging = 0;
        _fleet.Network.Fate = name =>
        {
            hanging += name == "release" ? 1 : 0;
            return name == "release" ? CallFate.RequestLost : CallFate.Answered;
        };
        for (int second = 0; second < 9; second++)
        {
            _fleet.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(1, hanging);
        _fleet.Mend();
    }

    /// <summary>The list itself takes longer than until the next renewal: one is taken up all the same, each time.</summary>
    [Fact]
    public async Task R4_however_slow_the_store_is_each_renewal_reasserts_one()
    {
        LeaseSession session =
            await LeaseSession.OpenAsync(_fleet.Network, _fleet.Options with { RenewEvery = TimeSpan.FromSeconds(3) }, Token);
        await LeaseAsync(session);
        LeaseStoreImage image = _fleet.Memory.TakeImage();
        WorkerId[] workers = [await LeaseAsync(session), await LeaseAsync(session)];
        _fleet.Memory.FailOver(image);
        List<string> calls = [];
        bool isSlow = true;
        _fleet.Network.Delay = name =>
        {
            calls.Add($"{name} {session.Incarnation}");
            if (name == "held" && isSlow)
            {
                _fleet.Time.Advance(TimeSpan.FromSeconds(3));
            }

            isSlow &= calls.Count(static call => call.StartsWith("reassert", StringComparison.Ordinal)) < 2;
            return Task.CompletedTask;
        };
        _fleet.Time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(["renew 1", "held 1", "reassert 1", "renew 1", "held 1", "reassert 1", "renew 2"], calls.Take(7));
        Assert.All(workers, static worker => Assert.True(worker.IsValid));
        _fleet.Network.Delay = null;
        await session.DisposeAsync();
    }

    private static Task<WorkerId> LeaseAsync(LeaseSession session) => WorkerId.LeaseAsync(session, "workers", 3, Token);

    private static LeaseRequest Request(LeaseArena arena, LeaseSession session) => new(arena.Id, session.Instance, Guid.NewGuid(), 1);
}
