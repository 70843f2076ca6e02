using Vmem.Platform;

namespace Vmem.Memory.Tests.Platform;

/// <summary>A thread that comes in the middle of another one's call.</summary>
internal static class SecondThread
{
    /// <summary>Starts it when it is due, the first time, and waits until it has ended or waits for somebody itself.</summary>
    /// <returns>Was it started now?</returns>
    public static bool Start(Thread thread, bool isDue)
    {
        if (!isDue || !thread.ThreadState.HasFlag(ThreadState.Unstarted))
        {
            return false;
        }

        thread.Start();
        Settle(thread);
        return true;
    }

    /// <summary>Waits until it has ended or waits for somebody, however long a busy machine keeps it from running.</summary>
    public static void Settle(Thread thread)
    {
        while (thread.IsAlive && !thread.ThreadState.HasFlag(ThreadState.WaitSleepJoin))
        {
            _ = Thread.Yield();
        }
    }

    /// <summary>As a fault of no system call: it comes when memory is first discarded.</summary>
    public static Func<SystemCall, bool> AtDiscard(Thread thread) => call =>
    {
        _ = Start(thread, call is SystemCall.Discard or SystemCall.Decommit);
        return false;
    };
}
