namespace Vmem.Timing;

/// <summary>Timers that do not hold on to what flows with the calls of whoever starts them.</summary>
internal static class DetachedTimer
{
    public static ITimer Start(TimeProvider time, TimerCallback callback, object state, TimeSpan due, TimeSpan period)
    {
        if (ExecutionContext.IsFlowSuppressed())
        {
            return time.CreateTimer(callback, state, due, period);
        }

        using (ExecutionContext.SuppressFlow())
        {
            return time.CreateTimer(callback, state, due, period);
        }
    }
}
