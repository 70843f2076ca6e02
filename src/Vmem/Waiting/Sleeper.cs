namespace Vmem.Waiting;

/// <summary>What a thread blocks on until a task is completed.</summary>
/// <remarks>Rejected: to block on the task. Whoever completes it then needs a lock to wake the thread. An interrupt can end his wait for
/// that lock, and the thread sleeps for ever.</remarks>
#pragma warning disable CA1001 // The event is closed with the thread that has it to spare.
internal sealed class Sleeper
#pragma warning restore CA1001
{
    [ThreadStatic]
    private static Sleeper? t_spare;

    private readonly AutoResetEvent _wake = new(initialState: false);

    /// <summary>One for a wait of this thread, until <see cref="GiveBack"/>. There may be several at once: a blocked thread may be made
    /// to run something in between.</summary>
    public static Sleeper Take()
    {
        Sleeper sleeper = t_spare ?? new Sleeper();
        t_spare = null;
        return sleeper;
    }

    public void GiveBack() => t_spare = this;

    /// <summary>Blocks until the task is completed. A call of <see cref="Wake"/> for an earlier wait does no harm.</summary>
    public void SleepUntil(Task task)
    {
        while (!task.IsCompleted)
        {
            _ = _wake.WaitOne();
        }
    }

    /// <summary>The task has been completed. Waits for nothing.</summary>
    public void Wake() => _ = _wake.Set();
}
