using Vmem.Checks;
using Vmem.Timing;

namespace Vmem.Waiting;

/// <summary>What ends a wait besides room: a time, a token, or both.</summary>
internal sealed class WaitLimits(TimeSpan timeout, CancellationToken token)
{
    public CancellationToken Token { get; } = token;

    /// <summary>Set under the arena's lock while the waiter is queued.</summary>
    public Armed Held { get; set; }

    /// <summary>From now on the time and the token call.</summary>
    public Armed Arm(TimeProvider time, TimerCallback timedOut, Action<object?> cancelled, object waiter)
    {
        ITimer? timer = timeout == Timeout.InfiniteTimeSpan ? null
            : DetachedTimer.Start(time, timedOut, waiter, timeout, Timeout.InfiniteTimeSpan);
        try
        {
            return new Armed(timer, Token.UnsafeRegister(cancelled, waiter));
        }
        catch
        {
            timer?.Dispose();
            throw;
        }
    }

    /// <summary>A timer and a registration that are under way.</summary>
    internal readonly struct Armed(ITimer? timer, CancellationTokenRegistration registration) : IDisposable
    {
        public bool IsNothing => timer is null && registration == default;

        /// <summary>Neither calls any more. An interrupt is left for the thread's next wait: the runtime's timers have a lock.</summary>
        public void Dispose()
        {
            using var interrupts = new DeferredInterrupt();
            while (!interrupts.Try((timer, registration), static it => TryStop(it.timer, it.registration)))
            {
            }
        }

        private static bool TryStop(ITimer? timer, CancellationTokenRegistration registration)
        {
            timer?.Dispose();
            _ = registration.Unregister();
            return true;
        }
    }
}
