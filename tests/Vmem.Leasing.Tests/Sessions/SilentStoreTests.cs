using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Sessions;

/// <summary>A store that is slow, or answers some calls and not others: what a session lives through, and how long its end takes.</summary>
public sealed class SilentStoreTests : IAsyncDisposable
{
    private const int Terms = 3;

    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Fact]
    public async Task Returns_that_hang_keep_no_renewal_waiting()
    {
        LeaseSession session = await _fleet.OpenAsync();
        WorkerId kept = await WorkerId.LeaseAsync(session, "other", 4, Token);
        WorkerId[] workers = await LeaseAsync(session, 4);
        _fleet.Network.Fate = static name => name == "release" ? CallFate.RequestLost : CallFate.Answered;
        Task returning = Task.WhenAll(workers.Select(worker => worker.DisposeAsync().AsTask()));
        PassLive(session);
        Assert.True(kept.IsValid);
        _fleet.Mend();
        await UntilAsync(async () => returning.IsCompleted && (await _fleet.Memory.GetUsageAsync(2, Token)).Leased == 0);
        Assert.True(session.IsValid);
    }

    /// <summary>The same of leases that the session never heard of, and the store has.</summary>
    [Fact]
    public async Task R11_what_cannot_be_given_back_keeps_no_renewal_from_counting()
    {
        LeaseSession session = await _fleet.OpenAsync();
        _fleet.Network.Fate = static name => name == "grant" ? CallFate.AnswerLost : CallFate.Answered;
        Task<WorkerId> leasing = WorkerId.LeaseAsync(session, "workers", 1, Token);
        await Eventually.HoldsAsync(() => leasing.IsCompleted, () => _fleet.Time.Advance(TimeSpan.FromMilliseconds(50)));
        await Assert.ThrowsAsync<TimeoutException>(() => leasing);
        _fleet.Network.Fate = static name => name == "release" ? CallFate.RequestLost : CallFate.Answered;
        PassLive(session);
    }

    /// <summary>Six reassertions take longer than the session's term. Renewals come between, and it keeps all.</summary>
    [Fact]
    public async Task R4_reassertions_leave_room_for_renewals()
    {
        LeaseSession session = await _fleet.OpenAsync();
        await WorkerId.LeaseAsync(session, "workers", 4, Token);
        LeaseStoreImage image = _fleet.Memory.TakeImage();
        WorkerId[] workers = await LeaseAsync(session, 6, "workers");
        _fleet.Memory.FailOver(image);
        List<string> calls = [];
        _fleet.Network.Delay = name =>
        {
            calls.Add(name);
            if (name == "reassert")
            {
                _fleet.Time.Advance(Fleet.Ttl / 4);
            }

            return Task.CompletedTask;
        };
        _fleet.Time.Advance(Fleet.Ttl / 3);
        string story = string.Concat(calls.Where(static name => name is "reassert" or "renew").Select(static name => name[2]));
        Assert.StartsWith("naanaanaan", story, StringComparison.Ordinal);       // two are past the time of the next renewal
        await Eventually.HoldsAsync(() => session.IsValid);
        Assert.All(workers, static worker => Assert.True(worker.IsValid));
    }

    /// <summary>Each is over in time for the next, and the third is sent before the deadline.</summary>
    [Fact]
    public async Task Two_renewals_may_go_unanswered()
    {
        LeaseSession session = await _fleet.OpenAsync();
        int asked = 0;
        _fleet.Network.Fate = name => name == "renew" && ++asked <= 2 ? CallFate.RequestLost : CallFate.Answered;
        int timers = _fleet.Time.Timers;
        for (int failed = 1; failed <= 2; failed++)
        {
            _fleet.Time.Advance(failed == 1 ? Fleet.Ttl / 3 : Fleet.Ttl / 12);
            _fleet.Time.Advance(Fleet.Ttl / 6);
            await Eventually.HoldsAsync(() => _fleet.Faults.Count == failed && _fleet.Time.Timers == timers);   // it waits for the next
        }

        Assert.True(session.IsValid);
        _fleet.Time.Advance(Fleet.Ttl / 12);
        Assert.Equal((3, Fleet.Ttl * 0.9), (asked, session.Remaining));
    }

    [Fact]
    public async Task The_end_asks_a_silent_store_once_and_not_for_each_lease()
    {
        LeaseSession session = await HoldManyAsync();
        int releases = 0;
        _fleet.Network.Fate = name =>
        {
            releases += name == "release" ? 1 : 0;
            return CallFate.RequestLost;
        };
        Task end = session.DisposeAsync().AsTask();
        await Eventually.HoldsAsync(() => end.IsCompleted, () => _fleet.Time.Advance(TimeSpan.FromMilliseconds(1)));
        await end;
        Assert.Equal(1, releases);
    }

    [Fact]
    public async Task What_a_slow_store_has_not_taken_in_time_goes_back_with_the_session()
    {
        LeaseSession session = await HoldManyAsync();
        int releases = 0;
        _fleet.Network.Delay = name =>
        {
            if (name == "release")
            {
                releases++;
                _fleet.Time.Advance(Fleet.Ttl / 10);
            }

            return Task.CompletedTask;
        };
        await session.DisposeAsync();
        Assert.Equal(4, releases);
        Assert.Equal(UInt128.Zero, (await _fleet.Memory.GetUsageAsync(1, Token)).Leased);
    }

    private static async Task<WorkerId[]> LeaseAsync(LeaseSession session, int count, string arena = "busy")
    {
        var workers = new WorkerId[count];
        for (int i = 0; i < count; i++)
        {
            workers[i] = await WorkerId.LeaseAsync(session, arena, 4, Token);
        }

        return workers;
    }

    /// <summary>A session with twelve spans in use.</summary>
    private async Task<LeaseSession> HoldManyAsync()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeasedArena<ulong> arena = await LeasedArena<ulong>.OpenAsync(session, "ids", Fleet.Ids(64, 1), Token);
        for (int i = 0; i < 12; i++)
        {
            _ = await arena.AllocateAsync(1, default, Token);
        }

        return session;
    }

    private void PassLive(LeaseSession session)
    {
        for (int quarter = 0; quarter < 4 * Terms; quarter++)
        {
            _fleet.Pass(0.25);
            Assert.True(session.IsValid);
        }
    }

    private Task UntilAsync(Func<Task<bool>> condition) =>
        Eventually.HoldsAsync(condition, () => _fleet.Time.Advance(TimeSpan.FromMilliseconds(50)));
}
