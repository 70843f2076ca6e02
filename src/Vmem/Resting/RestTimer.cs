using Vmem.Checks;
using Vmem.Timing;

namespace Vmem.Resting;

/// <summary>The one timer of an arena whose ranges rest: set to the end of the first rest, and to nothing while none rests for a
/// time.</summary>
/// <remarks>
/// Timers are others' code, and are set under no lock. Of two threads that set it at once the later might leave the earlier's time. So one
/// sets it at a time, and looks again afterwards: <see cref="TryBegin"/>, then, as long as <see cref="TryEnd"/> says no,
/// <see cref="Aim"/> and <see cref="Set"/>. All but the last, and <see cref="Dispose"/>, are called under the arena's lock.
/// </remarks>
internal sealed class RestTimer : IDisposable
{
    /// <summary>Nothing rests: no time is later.</summary>
    private const ulong Never = ulong.MaxValue;

    /// <summary>The most that a timer is set to; it is set again then. Arbitrary, and less than any timer's most.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(20);

    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(1);

    private readonly ITimer _timer;
    private ulong _setTo = Never;
    private bool _isBeingSet;

    public RestTimer(TimeProvider time, TimerCallback due, object state) =>
        _timer = DetachedTimer.Start(time, due, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>Whether the caller is to set it, as the first rest ends at <paramref name="next"/>.</summary>
    public bool TryBegin(ulong next) => !_isBeingSet && IsWrong(next) && (_isBeingSet = true);

    /// <summary>It is about to be set to this.</summary>
    public ulong Aim(ulong next) => _setTo = next;

    /// <summary>It has been set.</summary>
    /// <returns>False if it is to be set once more.</returns>
    public bool TryEnd(ulong next) => !IsWrong(next) && !(_isBeingSet = false);

    /// <summary>It could not be set. The next rest tries again, and until then rests end when somebody comes.</summary>
    public void GiveUp() => (_setTo, _isBeingSet) = (Never, false);

    /// <summary>It has called.</summary>
    public void NoteCalled() => _setTo = Never;

    /// <summary>Sets it. Under no lock.</summary>
    /// <remarks>Most timers count milliseconds, and leave the rest of one out: they call early, and then once more. It is not set to less
    /// than one, or it would call again and again.</remarks>
    public void Set(ulong to, ulong now)
    {
        TimeSpan wait = to == Never ? Timeout.InfiniteTimeSpan
            : TimeSpan.FromTicks((long)Math.Min((ulong)s_longest.Ticks, to > now ? to - now : 0));
        wait = to != Never && wait < s_shortest && to > now ? s_shortest : wait;
        using var interrupts = new DeferredInterrupt();
        while (!interrupts.Try((_timer, wait), static it => it._timer.Change(it.wait, Timeout.InfiniteTimeSpan) | true))
        {
        }
    }

    /// <summary>It does not call any more. Under no lock.</summary>
    public void Dispose()
    {
        using var interrupts = new DeferredInterrupt();
        while (!interrupts.Try(_timer, static timer =>
        {
            timer.Dispose();
            return true;
        }))
        {
        }
    }

    /// <summary>Whether it should be set to another time.</summary>
    public bool IsWrong(ulong next) => next == Never ? _setTo != Never : next < _setTo;
}
