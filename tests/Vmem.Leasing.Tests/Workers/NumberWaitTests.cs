using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Workers;

/// <summary>Who finds all numbers taken: when it waits, and for how long.</summary>
public sealed class NumberWaitTests : IAsyncDisposable
{
    private readonly Fleet _fleet = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    /// <summary>What a look finds free is asked for at once, without a look at the figures or a wait.</summary>
    [Fact]
    public async Task What_a_sweep_frees_is_taken_at_once()
    {
        LeaseSession dead = await _fleet.OpenOtherAsync();
        await LeaseAsync(dead);
        await LeaseAsync(dead);
        await _fleet.Memory.CloseSessionAsync(dead.Instance, clean: false, Token);
        LeaseSession session = await _fleet.OpenAsync();
        for (int i = 0; i < 3; i++)
        {
            _fleet.Pass(0.5);
        }

        List<string> calls = _fleet.Network.Record();
        WorkerId worker = await LeaseAsync(session);
        Assert.Equal(0, worker.Value);
        Assert.Equal(["ensure", "grant", "sweep", "grant"], calls);
    }

    /// <summary>Between the sweep that found nothing and the look at the figures.</summary>
    [Fact]
    public async Task What_became_free_meanwhile_is_asked_for_and_no_error()
    {
        LeaseSession session = await _fleet.OpenAsync();
        LeaseSession other = await _fleet.OpenOtherAsync();
        await LeaseAsync(other);
        WorkerId theirs = await LeaseAsync(other);
        _fleet.Network.Delay = name => name == "sweep" ? theirs.DisposeAsync().AsTask() : Task.CompletedTask;
        WorkerId worker = await LeaseAsync(session);
        Assert.Equal(theirs.Value, worker.Value);
    }

    [Fact]
    public async Task It_waits_while_as_many_are_silent_as_in_quarantine()
    {
        LeaseSession silent = await _fleet.OpenAsync();
        WorkerId first = await LeaseAsync(silent);
        LeaseSession dead = await _fleet.OpenOtherAsync();
        await LeaseAsync(dead);
        LeaseSession next = await _fleet.OpenOtherAsync();
        _fleet.Cut();
        _fleet.Pass(1.1);
        await _fleet.Memory.CloseSessionAsync(dead.Instance, clean: false, Token);
        LeaseUsage usage = await _fleet.Memory.GetUsageAsync(1, Token);
        Assert.Equal((UInt128.One, UInt128.One), (usage.Lapsed, usage.Quarantined));
        Task<WorkerId> waiting = LeaseAsync(next);
        Assert.False(waiting.IsCompleted);
        await Eventually.HoldsAsync(() => waiting.IsCompleted, () => _fleet.Pass(0.25));
        Assert.InRange((await waiting).Fence, first.Fence + 2, long.MaxValue);
    }

    [Fact]
    public async Task Who_waits_for_a_number_learns_that_its_session_is_lost()
    {
        LeaseSession dead = await _fleet.OpenOtherAsync();
        await LeaseAsync(dead);
        await LeaseAsync(dead);
        await _fleet.Memory.CloseSessionAsync(dead.Instance, clean: false, Token);
        LeaseSession session = await _fleet.OpenAsync();
        Task<WorkerId> waiting = LeaseAsync(session);
        Assert.False(waiting.IsCompleted);
        await _fleet.Memory.CloseSessionAsync(session.Instance, clean: true, Token);
        List<string> calls = _fleet.Network.Record();
        _fleet.Pass(0.5);
        await Assert.ThrowsAsync<LeaseLostException>(() => waiting);
        Assert.DoesNotContain("grant", calls);
    }

    private static Task<WorkerId> LeaseAsync(LeaseSession session) => WorkerId.LeaseAsync(session, "workers", 1, Token);
}
