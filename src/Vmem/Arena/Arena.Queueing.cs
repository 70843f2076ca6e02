using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;
using Vmem.Waiting;

namespace Vmem;

// The life of a waiter: into the queue, and out of it.
//
// Before a request is queued the caches are suspended and the arena listens to its source: from then on every free, here or below, reaches
// the segments and with them the queue. Then it is tried once more. So whatever made room before was seen by that attempt, and whatever
// makes room later finds it queued.
//
// What was done for a waiter on its way in is undone once for it on its way out, by Conclude, whoever took it out.
public sealed partial class Arena<T>
{
    private static readonly Action<object?> s_cancelled = static state => Withdraw((Waiter<T>)state!, WaitState.Cancelled);
    private static readonly TimerCallback s_timedOut = static state => Withdraw((Waiter<T>)state!, WaitState.TimedOut);

    private WaitQueue<T> _queue;
    private long _waits;
    private long _ticksWaited;

    /// <summary>Whether somebody waits: then a call that may wait does, too. Read without the lock: of two calls that meet, either may be
    /// the first.</summary>
    private bool IsQueued => Volatile.Read(ref _followed) && !_queue.IsEmpty;

    /// <summary>Waits on the calling thread, unless the timeout is zero.</summary>
    private bool Block(in Placement<T> placement, in RangeConstraints<T> constraints, FitPolicy policy, bool tried, TimeSpan timeout, AuditCall call, CancellationToken cancellationToken, out T start)
    {
        start = default;
        if (timeout == TimeSpan.Zero)
        {
            return false;
        }

        Waiter<T> waiter = Wait(placement, constraints, policy, tried, timeout, cancellationToken, blocking: true, call);
        try
        {
            ((Task)waiter.Task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
        }
        catch
        {
            Abandon(waiter);                      // the thread was interrupted
            throw;
        }

        start = waiter.Start;
        switch (waiter.State)
        {
            case WaitState.TimedOut:
                return false;

            case WaitState.Cancelled:
                throw new OperationCanceledException(cancellationToken);

            default:
                waiter.Task.GetAwaiter().GetResult();
                return true;
        }
    }

    /// <summary>Queues a request that could not be met.</summary>
    /// <param name="placement">The request.</param>
    /// <param name="constraints">Its constraints.</param>
    /// <param name="policy">Which place is taken.</param>
    /// <param name="tried">Whether it was tried in vain, and counted as a failure, which it is not yet.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="call">Which call it is, for an audit.</param>
    /// <param name="blocking">Whether the one thread that could free would be blocked, if the arena has only one.</param>
    /// <returns>The waiter; it may have been served already.</returns>
    internal Waiter<T> Wait(in Placement<T> placement, in RangeConstraints<T> constraints, FitPolicy policy, bool tried, TimeSpan timeout, CancellationToken cancellationToken, bool blocking = false, AuditCall call = AuditCall.Allocate)
    {
        long removals = Removals;
        Waiter<T> waiter;
        bool first;
        bool following = false;
        CheckPossible(placement, constraints, tried);
        if (blocking && !_shared)
        {
            throw new InvalidOperationException($"Arena '{Name}' is single-threaded: while its one thread waited, nobody could free. Wait asynchronously.");
        }

        SuspendCaches();
        try
        {
            FollowSource();
            following = true;
            waiter = new Waiter<T>(this, placement, constraints, policy, cancellationToken) { Site = _audit?.Capture(call) };
            Enter();
            first = _queue.IsEmpty;
            _queue.Append(waiter);
            NoteFollowers();
            Exit();
        }
        catch
        {
            if (following)
            {
                UnfollowSource();
            }

            ResumeCaches();
            throw;
        }

        if (first)
        {
            Serve(echo: false);
        }

        if (removals != Removals)
        {
            FailTheImpossible();
        }

        Arm(waiter, timeout, cancellationToken);
        return waiter;
    }

    /// <summary>Unless the waiter was served at once: it truly waits now, until the time or the token says otherwise.</summary>
    private void Arm(Waiter<T> waiter, TimeSpan timeout, CancellationToken cancellationToken)
    {
        long began = _time.GetTimestamp();
        EnterRaw();
        bool waits = waiter.State == WaitState.Queued;
        if (waits)
        {
            waiter.Began = began;
            _waits++;
        }

        Exit();
        if (!waits)
        {
            return;
        }

        ITimer? timer = null;
        CancellationTokenRegistration registration = default;
        try
        {
            timer = timeout == Timeout.InfiniteTimeSpan ? null : Caching.Upkeep.StartTimer(_time, s_timedOut, waiter, timeout, Timeout.InfiniteTimeSpan);
            registration = cancellationToken.UnsafeRegister(s_cancelled, waiter);
        }
        catch
        {
            timer?.Dispose();
            Abandon(waiter);
            throw;
        }

        EnterRaw();
        waits = waiter.State == WaitState.Queued;
        if (waits)
        {
            waiter.Timer = timer;
            waiter.Registration = registration;
        }

        Exit();
        if (!waits)
        {
            timer?.Dispose();
            registration.Unregister();
        }
    }

    /// <summary>Takes a waiter that gives up out of the queue, unless it has left already. Those behind it may fit now.</summary>
    private static bool Withdraw(Waiter<T> waiter, WaitState end)
    {
        Arena<T> arena = waiter.Arena;
        arena.EnterRaw();
        bool left = waiter.State == WaitState.Queued;
        bool wasHead = left && arena._queue.Head == waiter;
        if (left)
        {
            waiter.Leave(end);
            arena._queue.Remove(waiter);
            arena._failures += end == WaitState.TimedOut ? 1 : 0;
            arena.NoteFollowers();
        }

        arena.Exit();
        if (left)
        {
            arena.Conclude(waiter);
        }

        if (wasHead)
        {
            arena.Serve(echo: false);
        }

        return left;
    }

    /// <summary>Nobody will look at the waiter any more: what it has been granted is freed.</summary>
    private void Abandon(Waiter<T> waiter)
    {
        if (!Withdraw(waiter, WaitState.Cancelled) && waiter.State == WaitState.Granted)
        {
            TakeBack(waiter.Start, waiter.Placement.Size);
        }
    }

    /// <summary>Everything that follows when a waiter has left the queue, whatever for. Called once for each, under no lock.</summary>
    private void Conclude(Waiter<T> waiter)
    {
        try
        {
            ResumeCaches();
            UnfollowSource();
        }
        finally
        {
            waiter.Complete();
            waiter.Timer?.Dispose();
            waiter.Registration.Unregister();
        }

        if (waiter.Began is { } began)
        {
            NoteWaited(_time.GetElapsedTime(began));
        }
    }

    private void ValidateWaiters()
    {
        long count = 0;
        Waiter<T>? previous = null;
        for (Waiter<T>? waiter = _queue.Head; waiter is not null; waiter = waiter.Next)
        {
            Invariant.Hold(waiter.State == WaitState.Queued && waiter.Previous == previous, "the queue holds those who wait", $"number {count} in it is {waiter.State}");
            previous = waiter;
            count++;
        }

        bool followed = count + _listeners.Length > 0;
        Invariant.Hold(_followed == followed && _plain == IsPlain, "a free knows whether anything follows it", $"{count} wait, {_listeners.Length} listen, and it is followed: {_followed}, plain: {_plain}");
    }

    /// <summary>A wait has ended, well or badly. Called once for each, under no lock.</summary>
    private void NoteWaited(TimeSpan duration)
    {
        _ = Interlocked.Add(ref _ticksWaited, duration.Ticks);
        try
        {
            ArenaMetrics.RecordWait(Name, duration);
        }
#pragma warning disable CA1031 // A listener that throws must not do so in the free that ended somebody's wait.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
