using Vmem.Checks;
using Vmem.Timing;

namespace Vmem.Caching;

/// <summary>What has caches to keep in order.</summary>
internal interface IUpkeepTarget
{
    /// <summary>An interval has ended: what its working set did not need can go.</summary>
    /// <returns>Whether a later interval might find anything to do, or a relief. If not, there is none until
    /// <see cref="Upkeep.Wake"/>.</returns>
    bool EndInterval();

    /// <summary>Memory is short: everything that is only kept for speed can go.</summary>
    void RelievePressure();
}

/// <summary>The two occasions on which caches give something back of their own accord: an interval has ended, or memory is short.</summary>
/// <remarks>
/// <para>
/// The target is referred to weakly: no timer keeps an arena alive that nobody uses any more. Caches that hold nothing rest, and cost
/// nothing, until one of their threads comes to hold something.
/// </para>
/// <para>
/// All intervals by the system's clock are one timer's business (<see cref="UpkeepWheel"/>). By another clock, which is a test's, or
/// with an interval of its own, a target has its own timer. On which thread that calls is the clock's affair, and it may call again before
/// the last call has returned: a turn that finds another at work is left out.
/// </para>
/// <para>
/// A timer at intervals of its own stands still while its target rests. One by another clock alone never does. Rejected: to stop that, too.
/// Arenas and object caches wake under locks of theirs, and that clock may call them under one of its own.
/// </para>
/// </remarks>
internal sealed class Upkeep : IDisposable, IThreadPoolWorkItem
{
    /// <summary>illumos' interval for its caches (kmem_reap_interval).</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    // The runtime's timers count whole milliseconds, and take none for "never again".
    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(1);

    private readonly WeakReference<IUpkeepTarget> _target;
    private readonly UpkeepWheel _wheel;
    private readonly bool _callsOthers;
    private readonly TimeSpan? _ownInterval;      // null: as all others'
    private ITimer? _timer;                       // by another clock than the wheel's, or at other intervals
    private int _isQueued;                        // 1: a turn is at work, or about to be
    private volatile bool _hasEnded;

    private Upkeep(IUpkeepTarget target, UpkeepWheel wheel, bool callsOthers, TimeSpan? ownInterval)
    {
        _target = new WeakReference<IUpkeepTarget>(target);
        _wheel = wheel;
        _callsOthers = callsOthers;
        _ownInterval = ownInterval >= TimeSpan.Zero && ownInterval < s_shortest ? s_shortest : ownInterval;
    }

    /// <summary>Where the wheel has it; under the wheel's gate.</summary>
    public UpkeepPlace Place { get; } = new();

    /// <summary>Begins, with the target awake.</summary>
    /// <param name="target">What is kept in order.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="callsOthers">Whether it may call code of others, or the system, for long: then it delays no other target.</param>
    /// <param name="ownInterval">How long its intervals are, a millisecond at least; null: as all others'.</param>
    public static Upkeep Start(IUpkeepTarget target, TimeProvider time, bool callsOthers = true, TimeSpan? ownInterval = null) =>
        Start(target, time, UpkeepWheel.Shared, callsOthers, ownInterval);

    /// <inheritdoc cref="Start(IUpkeepTarget, TimeProvider, bool, TimeSpan?)"/>
    public static Upkeep Start(IUpkeepTarget target, TimeProvider time, UpkeepWheel wheel, bool callsOthers, TimeSpan? ownInterval = null)
    {
        var upkeep = new Upkeep(target, wheel, callsOthers, ownInterval);
        if (time != wheel.Time || (ownInterval ?? Interval) != Interval)
        {
            upkeep._timer = DetachedTimer.Start(time, static state =>
                ((Upkeep)state!).RunAlone(), upkeep, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        try
        {
            upkeep.Wake();
        }
        catch
        {
            upkeep.Dispose();                     // a timer may refuse the interval, and the wheel has it already
            throw;
        }

        return upkeep;
    }

    /// <summary>The target holds something again.</summary>
    public void Wake()
    {
        if (_wheel.Add(this, turns: _timer is null) && _timer is not null)
        {
            Set(_ownInterval ?? Interval);
        }
    }

    public void Dispose()
    {
        _hasEnded = true;
        _wheel.Remove(this, forGood: true);
        if (_timer is not null)
        {
            using var interrupts = new DeferredInterrupt();     // the runtime's timers have a lock
            while (!interrupts.Try(_timer, EndTimer))
            {
            }
        }
    }

    /// <summary>Has every cache of the process give back what it can. One without memory to do that keeps none of the others from
    /// it.</summary>
    public static void RelieveAll()
    {
        foreach (IUpkeepTarget target in Awake<IUpkeepTarget>())
        {
            try
            {
                target.RelievePressure();
            }
            catch (OutOfMemoryException)
            {
            }
        }
    }

    /// <summary>The targets of a kind that are awake.</summary>
    public static IEnumerable<T> Awake<T>()
        where T : IUpkeepTarget
    {
        foreach (Upkeep upkeep in UpkeepWheel.Shared.Copy())
        {
            if (upkeep._target.TryGetTarget(out IUpkeepTarget? target) && target is T wanted)
            {
                yield return wanted;
            }
        }
    }

    /// <summary>An interval has ended by the wheel.</summary>
    public void Turn()
    {
        if (!_callsOthers)
        {
            Run();
        }
        else if (Interlocked.Exchange(ref _isQueued, 1) == 0)   // else the last interval's is still at work
        {
            try
            {
                GrowthFault.ThrowIfDue();         // of the pool's queue
                _ = ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
            catch (OutOfMemoryException)
            {
                Volatile.Write(ref _isQueued, 0); // another interval ends
            }
        }
    }

    /// <inheritdoc/>
    void IThreadPoolWorkItem.Execute()
    {
        try
        {
            Run();
        }
        finally
        {
            Volatile.Write(ref _isQueued, 0);
        }
    }

    private static bool EndTimer(ITimer timer)
    {
        timer.Dispose();
        return true;
    }

    /// <summary>An interval has ended by a timer of its own.</summary>
    private void RunAlone()
    {
        if (Interlocked.Exchange(ref _isQueued, 1) != 0)
        {
            return;                               // the last interval's is still at work
        }

        try
        {
            Run();
        }
        finally
        {
            Volatile.Write(ref _isQueued, 0);
        }
    }

    /// <summary>Without memory to do it, what was to be done is left for the end of another interval: here nobody would catch the
    /// exception.</summary>
    private void Run()
    {
        try
        {
            RunTarget();
        }
        catch (OutOfMemoryException)
        {
        }
    }

    private void RunTarget()
    {
        if (!_target.TryGetTarget(out IUpkeepTarget? target))
        {
            Dispose();
        }
        else if (_timer is null)
        {
            if (!target.EndInterval())
            {
                _ = _wheel.TryRest(this);
            }
        }
        else if (_ownInterval is { } interval)
        {
            _wheel.BeginTurn(this);
            if (!target.EndInterval())
            {
                Rest(interval);
            }
        }
        else
        {
            _ = target.EndInterval();
        }
    }

    /// <summary>The timer stops before the upkeep is known to rest: whoever wakes it from then on starts it again, after that.</summary>
    private void Rest(TimeSpan interval)
    {
        Set(Timeout.InfiniteTimeSpan);
        if (!_wheel.TryRest(this))
        {
            Set(interval);                        // it was woken meanwhile
        }
    }

    /// <summary>Lets its own timer go at this pace. The runtime's timers have a lock, and an interrupt must not end the wait for
    /// it.</summary>
    private void Set(TimeSpan interval)
    {
        using var interrupts = new DeferredInterrupt();
        while (!interrupts.Try((Timer: _timer!, interval), static it => it.Timer.Change(it.interval, it.interval) || true))
        {
        }

        while (_hasEnded && !interrupts.Try(_timer!, EndTimer))      // no clock may take a late change for a new start
        {
        }
    }
}
