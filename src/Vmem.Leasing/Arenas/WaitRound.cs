using System.Diagnostics.CodeAnalysis;

namespace Vmem.Leasing.Arenas;

/// <summary>Those who wait for a range since spans were last lost, until each has its range and has looked at the fence.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The source has neither a timer nor a handle: the collector takes it when the last who waited has gone.")]
internal sealed class WaitRound
{
    private readonly CancellationTokenSource _over = new();
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count = 1;                       // itself, until it is over

    /// <summary>Cancelled: whoever has no range yet waits anew, in the next round.</summary>
    public CancellationToken Over => _over.Token;

    /// <summary>One more waits. Under a lock that keeps it from being over meanwhile.</summary>
    public void Enter() => Interlocked.Increment(ref _count);

    public void Leave()
    {
        if (Interlocked.Decrement(ref _count) == 0)
        {
            _left.SetResult();
        }
    }

    /// <summary>Sends those who wait into the next round. If it throws, nobody is missing: call it again.</summary>
    /// <returns>A task that ends when all have left.</returns>
    public async Task EndAsync()
    {
        await _over.CancelAsync().ConfigureAwait(false);
        Leave();
        await _left.Task.ConfigureAwait(false);
    }
}
