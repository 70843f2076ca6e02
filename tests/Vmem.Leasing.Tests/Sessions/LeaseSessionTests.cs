using Vmem.Leasing.Sessions;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Internals;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Sessions;

public sealed class LeaseSessionTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Fact]
    public async Task A_new_session_is_live_for_its_TTL_less_the_margin()
    {
        LeaseSession session = await _fleet.OpenAsync();
        Assert.True(session.IsValid);
        Assert.Equal(LeaseState.Live, session.State);
        Assert.Equal(Fleet.Ttl * 0.9, session.Remaining);
        Assert.NotEqual(Guid.Empty, session.Instance);
        session.ThrowIfInvalid();
    }

    [Fact]
    public async Task Renewals_keep_it_for_ever()
    {
        LeaseSession session = await _fleet.OpenAsync();
        for (int i = 0; i < 50; i++)
        {
            _fleet.Pass(0.25);
            Assert.True(session.IsValid);
            Assert.InRange(session.Remaining, Fleet.Ttl * 0.5, Fleet.Ttl);
        }

        Assert.Empty(_fleet.Faults);
    }

    [Fact]
    public async Task One_statement_a_third_of_the_TTL_renews_all_that_is_held()
    {
        LeaseSession session = await _fleet.OpenAsync();
        await using LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(1024, 8, 16), Token);
        int before = _fleet.Network.Calls;
        _fleet.Pass(1);
        _fleet.Pass(1);
        Assert.InRange(_fleet.Network.Calls - before, 5, 7);
    }

    /// <summary>As after SIGSTOP: no timer has run, nobody was told, and the first look is right.</summary>
    [Fact]
    public async Task R1_past_its_deadline_it_is_invalid_before_any_timer_has_run()
    {
        var frozen = new FrozenTimers();
        var store = new InMemoryLeaseStore(frozen);
        LeaseSession session = await LeaseSession.OpenAsync(store, new() { TimeProvider = frozen }, Token);
        frozen.Move(TimeSpan.FromSeconds(26.9));
        Assert.True(session.IsValid);
        frozen.Move(TimeSpan.FromSeconds(0.2));
        Assert.False(session.IsValid);
        Assert.Equal(LeaseState.Suspended, session.State);
        Assert.Equal(TimeSpan.Zero, session.Remaining);
        Assert.Throws<LeaseSuspendedException>(session.ThrowIfInvalid);
    }

    [Fact]
    public async Task R1_the_deadline_counts_from_before_the_request_was_sent()
    {
        LeaseSession session = await _fleet.OpenAsync();
        var slow = new TaskCompletionSource();
        _fleet.Network.Delay = name => name == "renew" ? slow.Task : Task.CompletedTask;
        _fleet.Time.Advance(Fleet.Ttl / 3);                          // a renewal is sent
        _fleet.Time.Advance(Fleet.Ttl / 8);                          // and is long under way
        slow.SetResult();
        await Eventually.HoldsAsync(() => session.Remaining >= Fleet.Ttl * 0.6);   // the answer goes its way on the pool

        Assert.Equal(Fleet.Ttl * 0.9 - Fleet.Ttl / 8, session.Remaining);
    }

    [Fact]
    public async Task Cut_off_it_is_suspended_and_resumes_when_it_is_heard_again()
    {
        LeaseSession session = await _fleet.OpenAsync();
        List<LeaseStateChange> changes = [];
        session.StateChanged += changes.Add;
        _fleet.Cut();
        _fleet.Pass(1);
        Assert.Equal(LeaseState.Suspended, session.State);
        LeaseSuspendedException fault = Assert.Throws<LeaseSuspendedException>(session.ThrowIfInvalid);
        await Eventually.HoldsAsync(() =>                            // the time-out goes its way on the pool, too
        {
            fault = Assert.Throws<LeaseSuspendedException>(session.ThrowIfInvalid);
            return fault.InnerException is TimeoutException;
        });
        Assert.Contains("did not answer within", fault.Message, StringComparison.Ordinal);
        Assert.False(session.Lost.IsCancellationRequested);
        _fleet.Mend();
        await PassUntilAsync(() => session.IsValid);
        await Eventually.HoldsAsync(() => changes.Count == 2);
        Assert.Equal([LeaseState.Suspended, LeaseState.Live], changes.Select(change => change.To));
    }

    [Fact]
    public async Task Declared_dead_it_is_lost_for_ever_and_everybody_is_told_once()
    {
        LeaseSession session = await _fleet.OpenAsync();
        List<LeaseStateChange> changes = [];
        session.StateChanged += changes.Add;
        await _fleet.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        _fleet.Pass(0.4);
        Assert.Equal(LeaseState.Lost, session.State);
        Assert.False(session.IsValid);
        Assert.Throws<LeaseLostException>(session.ThrowIfInvalid);
        _fleet.Pass(2);
        await Eventually.HoldsAsync(() => session.Lost.IsCancellationRequested);       // the last that is told
        Assert.Equal([LeaseState.Lost], changes.Select(change => change.To));
    }

    [Fact]
    public async Task A_handler_that_throws_is_reported_and_ends_nothing()
    {
        LeaseSession session = await _fleet.OpenAsync();
        int told = 0;
        session.StateChanged += _ => throw new InvalidOperationException("mine");
        session.StateChanged += _ => told++;
        _fleet.Network.Fate = static _ => CallFate.Fails;
        _fleet.Pass(1);
        _fleet.Mend();
        await PassUntilAsync(() => session.IsValid);
        await Eventually.HoldsAsync(() => Volatile.Read(ref told) == 2);
        Assert.Contains(_fleet.Faults, fault => fault.Message == "mine");
        Assert.Contains(_fleet.Faults, fault => fault is IOException);
    }

    [Fact]
    public async Task A_log_that_throws_ends_nothing()
    {
        await using LeaseSession session = await LeaseSession.OpenAsync(
            _fleet.Network, _fleet.Options with { Faulted = _ => throw new InvalidOperationException() }, Token);
        _fleet.Network.Fate = static _ => CallFate.Fails;
        _fleet.Pass(0.5);
        _fleet.Mend();
        _fleet.Pass(0.5);
        Assert.True(session.IsValid);
    }

    /// <summary>A holder that throws keeps no other, and no token, from being told.</summary>
    [Fact]
    public async Task All_are_told_of_a_loss()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeaseDefinition definition = new() { Start = 0, Size = 8, Type = nameof(UInt64), Quarantine = Fleet.Ttl };
        LeaseArena arena = await session.EnsureArenaAsync("clumsy", definition, mindsQuarantine: true, Token);
        ClumsyHolder clumsy = new();
        session.Attach(clumsy);
        Assert.NotNull((await session.GrantAsync(new(arena.Id, session.Instance, Guid.NewGuid(), 1), clumsy, "clumsy", Token)).Holding);
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 2, Token);
        await _fleet.Memory.CloseSessionAsync(session.Instance, clean: false, Token);
        await PassUntilAsync(() => session.Lost.IsCancellationRequested);
        Assert.True(worker.Lost.IsCancellationRequested);
        Assert.Equal((false, 2), (worker.IsValid, clumsy.Calls));
        Assert.Equal(["of the test", "of the test"], _fleet.Faults.Select(static fault => fault.Message));
        session.Detach(clumsy);
    }

    [Fact]
    public async Task Disposed_of_it_is_invalid_and_has_given_back_all()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(stock: 2), Token);
        await arena.AllocateAsync(3, default, Token);
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        await session.DisposeAsync();
        await session.DisposeAsync();
        Assert.False(session.IsValid);
        Assert.False(worker.IsValid);
        Assert.Throws<ObjectDisposedException>(session.ThrowIfInvalid);
        Assert.Null(await _fleet.Memory.RenewAsync(session.Instance, 0, Token));
        for (int arenas = 1; arenas <= 2; arenas++)
        {
            Assert.Equal(LeaseExtentState.Free, Assert.Single(await _fleet.Memory.ListAsync(arenas, Token)).State);
        }
    }

    [Fact]
    public async Task Disposed_of_while_cut_off_it_ends_without_an_error()
    {
        LeaseSession session = await _fleet.OpenAsync();
        _fleet.Network.Fate = static _ => CallFate.Fails;
        await session.DisposeAsync();
        Assert.NotEmpty(_fleet.Faults);
        Assert.Equal(LeaseState.Lost, session.State);
    }

    /// <summary>Neither the other holders nor the session outlive it.</summary>
    [Fact]
    public async Task A_holder_that_fails_at_the_end_keeps_nobody_from_ending()
    {
        LeaseSession session = await _fleet.OpenAsync();
        session.Attach(new ClumsyHolder { FailsAtTheEnd = true });
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        await session.DisposeAsync();
        Assert.Equal("of the test", Assert.Single(_fleet.Faults).Message);
        Assert.Equal((false, LeaseState.Lost), (worker.IsValid, session.State));
        Assert.Null(await _fleet.Memory.RenewAsync(session.Instance, 0, Token));
        Assert.Equal(0, _fleet.Time.Timers);
    }

    [Theory]
    [InlineData(0.9, 0.3, 0.1, "below 1 s")]
    [InlineData(60 * 86_400, 10, 0.1, "no timer runs so long")]
    [InlineData(30, 11, 0.1, "not often enough")]
    [InlineData(30, 0, 0.1, "not often enough")]
    [InlineData(30, 10, 0, "margin")]
    [InlineData(30, 10, 0.5, "margin")]
    [InlineData(30, 10, double.NaN, "margin")]
    public async Task Options_that_contradict_the_rules_are_refused(double ttl, double every, double margin, string text)
    {
        LeaseSessionOptions options = new()
        {
            Ttl = TimeSpan.FromSeconds(ttl),
            RenewEvery = TimeSpan.FromSeconds(every),
            Margin = margin,
        };
        ArgumentException fault = await Assert.ThrowsAsync<ArgumentException>(() => LeaseSession.OpenAsync(_fleet.Memory, options, Token));
        Assert.Contains(text, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_does_not_answer_fails_the_opening()
    {
        _fleet.Cut();
        Task<LeaseSession> opening = LeaseSession.OpenAsync(_fleet.Network, _fleet.Options, Token);
        _fleet.Pass(0.5);
        await Assert.ThrowsAsync<TimeoutException>(() => opening);
    }

    [Fact]
    public async Task The_deadline_check_allocates_nothing()
    {
        const int Looks = 10_000;
        LeaseSession session = await _fleet.OpenOtherAsync();
        int seen = 0;
        int valid = 0;
        Assert.Equal(0, Garbage.Of(Looks, () =>
        {
            seen++;
            valid += session.IsValid ? 1 : 0;
        }));
        Assert.Equal(seen, valid);
    }

    /// <summary>Answers to calls that hung go their way on the pool, so time is moved until they have come. In small steps: past two
    /// TTLs the store would take the session for dead, before a thread that stalls has come to renew it.</summary>
    private async Task PassUntilAsync(Func<bool> condition)
    {
        await Eventually.HoldsAsync(condition, () => _fleet.Time.Advance(TimeSpan.FromMilliseconds(1)));
    }

    /// <summary>Throws whatever it is told.</summary>
    private sealed class ClumsyHolder : ILeaseHolder
    {
        public int Calls { get; private set; }

        public bool FailsAtTheEnd { get; init; }

        public void Lose(Holding holding, string reason) => Throw();

        public void Resume() => Throw();

        public ValueTask CloseAsync()
        {
            if (FailsAtTheEnd)
            {
                Throw();
            }

            return ValueTask.CompletedTask;
        }

        private void Throw()
        {
            Calls++;
            throw new InvalidOperationException("of the test");
        }
    }
}
