using Vmem.Leasing.Arenas;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Waking one task.</summary>
public sealed class WakeSignalTests
{
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(5);

    private readonly ManualTime _time = new();
    private readonly WakeSignal _wake = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_before_a_wait_end_it_at_once_and_only_one()
    {
        _wake.Set();
        _wake.Set();
        Assert.True(WaitAsync(Token).IsCompletedSuccessfully);
        Task next = WaitAsync(Token);
        Assert.False(next.IsCompleted);
        _wake.Set();
        await next;
        Assert.False(WaitAsync(Token).IsCompleted);
    }

    [Fact]
    public async Task When_the_time_is_over_the_wait_ends_and_no_call_is_lost()
    {
        Task waiting = WaitAsync(Token);
        _time.Advance(s_most);
        await waiting;
        _wake.Set();
        Assert.True(WaitAsync(Token).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_wait_can_be_cancelled()
    {
        using CancellationTokenSource patience = new();
        Task waiting = WaitAsync(patience.Token);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    private Task WaitAsync(CancellationToken cancellationToken) => _wake.WaitAsync(s_most, _time, cancellationToken);
}
