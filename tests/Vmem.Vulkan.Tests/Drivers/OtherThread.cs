namespace Vmem.Vulkan.Tests.Drivers;

/// <summary>A thread that comes in the middle of another one's call.</summary>
internal static class OtherThread
{
    /// <summary>Waits until it has ended or waits for somebody, however long a busy machine keeps it from running.</summary>
    public static void Settle(Thread thread)
    {
        while (thread.IsAlive && !thread.ThreadState.HasFlag(ThreadState.WaitSleepJoin))
        {
            _ = Thread.Yield();
        }
    }
}
