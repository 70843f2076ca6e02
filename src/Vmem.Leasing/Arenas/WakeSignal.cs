using Vmem.Checks;

namespace Vmem.Leasing.Arenas;

/// <summary>Wakes one task. A call while it works is not lost: its next wait ends at once.</summary>
/// <remarks>The task goes on on a thread of the pool: who wakes it may hold locks of its own, and is never made to wait.</remarks>
internal sealed class WakeSignal
{
    private readonly Gate _lock = new();
    private TaskCompletionSource _woken = New();

    public void Set()
    {
        using (_lock.EnterScope())
        {
            _ = _woken.TrySetResult();
        }
    }

    /// <summary>Returns when it was woken, or when the time is over.</summary>
    public async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
    {
        Task woken = _woken.Task;
        try
        {
            await woken.WaitAsync(atMost, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return;
        }

        using (_lock.EnterScope())
        {
            _woken = New();
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
