using System.Collections.Concurrent;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>A clock that throws ends nothing that others wait for.</summary>
public sealed class FailingClockTests : IAsyncDisposable
{
    // So long that no wait by the system's clock is over in a test.
    private static readonly TimeSpan s_ttl = TimeSpan.FromDays(30);

    private readonly FailingClock _clock = new();
    private readonly InMemoryLeaseStore _memory;
    private readonly UnreliableStore _network;
    private readonly ConcurrentQueue<Exception> _faults = [];

    public FailingClockTests()
    {
        _memory = new InMemoryLeaseStore(_clock.Inner);
        _network = new UnreliableStore(_memory);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _memory.DisposeAsync();

    [Fact]
    public async Task Renewals_go_on_and_do_not_go_round_for_ever()
    {
        await using LeaseSession session = await OpenAsync();
        _clock.Fails = true;
        _clock.Inner.Advance(session.Options.RenewEvery);
        await Eventually.HoldsAsync(() => _faults.Count >= 2);        // of the renewal, and of the wait after it
        for (int i = 0; i < 1000; i++)
        {
            await Task.Yield();
        }

        Assert.Equal(2, _faults.Count);
        _clock.Fails = false;
    }

    [Fact]
    public async Task A_stock_is_filled_again_when_the_clock_goes_on()
    {
        await using LeaseSession session = await OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(), Token);
        _clock.Fails = true;
        Assert.False(arena.Arena.TryAllocate(8, out _));
        await Eventually.HoldsAsync(() => _faults.Count >= 2);        // of the call, and of the wait after it
        _clock.Fails = false;
        LeasedRange<ulong> range = await arena.AllocateAsync(8, default, Token).AsTask().WaitAsync(TimeSpan.FromMinutes(2), Token);
        Assert.Equal(8u, range.Size);
        await arena.DisposeAsync();
        Assert.Empty(await _memory.GetHeldAsync(session.Instance, Token));
    }

    /// <summary>It goes back with the next renewal, and as one whose holder says nothing.</summary>
    [Fact]
    public async Task What_is_given_back_meanwhile_goes_back_later_and_rests()
    {
        await using LeaseSession session = await OpenAsync();
        WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 1, Token);
        _clock.Fails = true;
        await worker.DisposeAsync();
        _clock.Fails = false;
        Assert.Single(await _memory.GetHeldAsync(session.Instance, Token));
        _clock.Inner.Advance(session.Options.RenewEvery);
        await Eventually.HoldsAsync(async () => (await _memory.GetHeldAsync(session.Instance, Token)).Count == 0);
        Assert.Equal(LeaseExtentState.Quarantined, (await _memory.ListAsync(1, Token))[0].State);
    }

    [Fact]
    public async Task Whoever_waits_goes_on_though_the_next_deadline_cannot_be_watched()
    {
        await using LeaseSession session = await OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(), Token);
        _network.Fate = static _ => CallFate.Fails;
        _clock.Inner.Advance(s_ttl);
        Assert.Equal(LeaseState.Suspended, session.State);
        Task<LeasedRange<ulong>> waiting = arena.AllocateAsync(8, default, Token).AsTask();
        _clock.FailsToSet = true;
        _network.Fate = null;
        await Eventually.HoldsAsync(() => waiting.IsCompleted, () => _clock.Inner.Advance(TimeSpan.FromMinutes(1)));
        Assert.Equal(8u, (await waiting).Size);
        Assert.Contains(_faults, static fault => fault.Message == "The clock fails.");
        _clock.FailsToSet = false;
    }

    /// <summary>It was not ended by the failed attempt.</summary>
    [Fact]
    public async Task A_session_can_be_ended_when_the_clock_goes_on()
    {
        LeaseSession session = await OpenAsync();
        _clock.Fails = true;
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await session.DisposeAsync());
        _clock.Fails = false;
        await session.DisposeAsync();
        Assert.Empty(await _memory.ListSessionsAsync(Token));
    }

    private Task<LeaseSession> OpenAsync() => LeaseSession.OpenAsync(_network,
        new() { Owner = "one", Ttl = s_ttl, TimeProvider = _clock, Faulted = _faults.Enqueue }, Token);
}
