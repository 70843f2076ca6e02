using System.Diagnostics.Metrics;
using Vmem.Leasing.Conformance.Scripts;
using Vmem.Leasing.Sessions;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>A holder, a listener or a store that throws: what is held then, and who is told.</summary>
public sealed class FaultyPartTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    /// <summary>Until it was told, no renewal prolongs the session: what it believes to hold may be somebody else's.</summary>
    [Fact]
    public async Task R8_a_holder_that_could_not_be_told_of_a_loss_is_told_again()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeaseDefinition definition = new() { Start = 0, Size = 8, Type = nameof(UInt64), Quarantine = Fleet.Ttl };
        LeaseArena arena = await session.EnsureArenaAsync("ids", definition, mindsQuarantine: true, Token);
        Deaf holder = new();
        session.Attach(holder);
        Holding holding = (await session.GrantAsync(new(arena.Id, session.Instance, Guid.NewGuid(), 1), holder, "ids", Token)).Holding!;
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 2, Token);
        foreach (LeaseClaim claim in await _fleet.Memory.GetHeldAsync(session.Instance, Token))
        {
            Assert.True(await _fleet.Memory.ReleaseAsync(claim, clean: false, null, Token));
        }

        _fleet.Time.Advance(session.Options.RenewEvery);
        await Eventually.HoldsAsync(() => !_fleet.Faults.IsEmpty);
        Assert.Equal(("The holder is deaf.", 1), (Assert.Single(_fleet.Faults).Message, holder.Losses));
        Assert.False(worker.IsValid);                                 // the others were told
        Assert.InRange(session.Remaining, TimeSpan.Zero, Fleet.Ttl * 0.9 - session.Options.RenewEvery);
        _fleet.Time.Advance(session.Options.RenewEvery / 2);
        await Eventually.HoldsAsync(() => holder.Losses == 2 && session.Remaining > Fleet.Ttl * 0.8);
        _fleet.Time.Advance(session.Options.RenewEvery);
        Assert.Equal(2, holder.Losses);
        Assert.Null(holding.Return);
        session.Detach(holder);
    }

    /// <summary>Whoever asked gave up before it could take in what it got: the request is forgotten, and the lease is not.</summary>
    [Fact]
    public async Task R11_what_was_granted_and_not_taken_in_goes_back()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeaseDefinition definition = new() { Start = 0, Size = 8, Type = nameof(UInt64), Quarantine = Fleet.Ttl };
        LeaseArena arena = await session.EnsureArenaAsync("ids", definition, mindsQuarantine: true, Token);
        LeaseRequest request = new(arena.Id, session.Instance, Guid.NewGuid(), 1);
        LeaseRequest other = request with { Id = Guid.NewGuid() };
        Assert.NotNull((await session.GrantAsync(request, new Deaf(), "ids", Token)).Holding);
        Assert.NotNull((await session.GrantAsync(other, new Deaf(), "ids", Token)).Holding);
        session.Abandon(request);
        _fleet.Pass(0.4);
        await Eventually.HoldsAsync(async () => (await _fleet.Memory.GetHeldAsync(session.Instance, Token)).Count == 1);
        Assert.Equal(other.Id, (await _fleet.Memory.GetHeldAsync(session.Instance, Token))[0].Request);
        Assert.Equal(LeaseExtentState.Free, (await _fleet.Memory.ListAsync(arena.Id, Token))[0].State);
    }

    /// <summary>The measurement is made on this thread, and no other is disturbed.</summary>
    [Fact]
    public async Task A_listener_of_metrics_that_throws_keeps_nobody_from_being_told()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 2, Token);
        int thread = Environment.CurrentManagedThreadId;
        using (MeterListener listener = new())
        {
            listener.InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "vmem.lease.losses")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            listener.SetMeasurementEventCallback<long>((_, _, _, _) =>
            {
                if (Environment.CurrentManagedThreadId == thread)
                {
                    throw new NotSupportedException("The listener fails.");
                }
            });
            listener.Start();
            await session.LapseAsync();
        }

        await Eventually.HoldsAsync(() => worker.Lost.IsCancellationRequested);
        Assert.Equal("The listener fails.", Assert.Single(_fleet.Faults).Message);
        Assert.Equal(LeaseState.Lost, session.State);
    }

    /// <summary>A store has something called when its call is cancelled, and that throws.</summary>
    [Fact]
    public async Task A_call_that_cannot_be_cancelled_in_peace_keeps_no_session_open()
    {
        Touchy store = new(_fleet.Memory);
        LeaseSession session = await LeaseSession.OpenAsync(store, _fleet.Options, Token);
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(), Token);
        _ = await arena.AllocateAsync(8, default, Token);
        store.IsTouchy = true;
        Assert.False(arena.Arena.TryAllocate(8, out _));
        _fleet.Time.Advance(session.Options.RenewEvery);
        await Eventually.HoldsAsync(() => store.Calls >= 2);          // a renewal and a request are under way
        _fleet.Time.Advance(session.Options.RenewEvery);              // each of them has taken too long
        await session.DisposeAsync();
        Assert.Empty(await _fleet.Memory.ListSessionsAsync(Token));
        Assert.DoesNotContain(_fleet.Faults, static fault => fault is AggregateException);
    }

    /// <summary>So are its watchers of room: whoever makes room for others has made it, and all are told.</summary>
    [Fact]
    public async Task A_watcher_that_throws_fails_no_call_and_keeps_no_other_from_being_told()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 2, Token);
        LeaseClaim claim = Assert.Single(await _fleet.Memory.GetHeldAsync(session.Instance, Token));
        int told = 0;
        using IDisposable first = _fleet.Memory.WatchRoom(claim.Arena, static () => throw new NotSupportedException());
        using IDisposable second = _fleet.Memory.WatchRoom(claim.Arena, () => told++);
        Assert.True(await _fleet.Memory.ReleaseAsync(claim, clean: true, null, Token));
        Assert.Equal(1, told);
        await worker.DisposeAsync();
    }

    [Fact]
    public async Task An_arena_gives_its_spans_back_though_its_watch_cannot_be_ended()
    {
        LeaseSession session = await LeaseSession.OpenAsync(new Touchy(_fleet.Memory), _fleet.Options, Token);
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(stock: 2), Token);
        Assert.Equal(2, (await _fleet.Memory.GetHeldAsync(session.Instance, Token)).Count);
        await arena.DisposeAsync();
        Assert.Empty(await _fleet.Memory.GetHeldAsync(session.Instance, Token));
        Assert.IsType<NotSupportedException>(Assert.Single(_fleet.Faults));
        await session.DisposeAsync();
    }

    private sealed class Deaf : ILeaseHolder
    {
        private int _losses;

        public int Losses => Volatile.Read(ref _losses);

        public void Lose(Holding holding, string reason)
        {
            if (Interlocked.Increment(ref _losses) == 1)
            {
                throw new InvalidOperationException("The holder is deaf.");
            }
        }

        public void Resume()
        {
        }

        public ValueTask CloseAsync() => ValueTask.CompletedTask;
    }

    private sealed class Touchy(LeaseStore store) : ForwardingStore(store)
    {
        private int _calls;

        public bool IsTouchy { get; set; }

        public int Calls => Volatile.Read(ref _calls);

        public override async ValueTask<LeaseRenewal?> RenewAsync(Guid session, long latest, CancellationToken cancellationToken = default)
        {
            await HangAsync(cancellationToken);
            return await base.RenewAsync(session, latest, cancellationToken);
        }

        public override async ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default)
        {
            await HangAsync(cancellationToken);
            return await base.GrantAsync(request, cancellationToken);
        }

        public override IDisposable WatchRoom(int arena, Action mayHaveRoom) => new Unending();

        private async Task HangAsync(CancellationToken cancellationToken)
        {
            if (IsTouchy)
            {
                Interlocked.Increment(ref _calls);
                TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
                using CancellationTokenRegistration touchy = cancellationToken.Register(static () => throw new NotSupportedException());
                await cancelled.Task;
            }
        }

        private sealed class Unending : IDisposable
        {
            public void Dispose() => throw new NotSupportedException();
        }
    }
}
