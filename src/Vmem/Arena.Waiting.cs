using System.Numerics;
using Vmem.Segments;
using Vmem.Waiting;

namespace Vmem;

/// <summary>Waiting for room: vmem_alloc and vmem_xalloc with VM_SLEEP.</summary>
/// <remarks>
/// <para>
/// A request that cannot be met joins the tail of a queue; whatever may make room serves the queue from its head (Arena.Serving.cs). First
/// come, first served: a waiting call that finds others queued goes behind them even if it would fit, or a large request would starve
/// behind small ones that keep arriving.
/// </para>
/// <para>
/// Calls that do not wait are no part of that order. They are answered from what is free at the moment, so that they go on failing only if
/// nothing fits; a stream of them can therefore keep a large waiter waiting. The other way, to refuse them while somebody waits, would make
/// one waiter for the whole arena turn every <see cref="TryAllocate(T, out T)"/> beside it into a failure.
/// </para>
/// <para>
/// Before a request is queued the caches are suspended: from then on every free reaches the segments, and with them the queue.
/// </para>
/// </remarks>
public sealed partial class Arena<T>
{
    private static readonly Action<object?> s_cancelled = static state => Withdraw((Waiter<T>)state!, WaitState.Cancelled);
    private static readonly TimerCallback s_timedOut = static state => Withdraw((Waiter<T>)state!, WaitState.TimedOut);

    private WaitQueue<T> _queue;
    private long _waits;
    private long _ticksWaited;

    /// <summary>How long the waits that have ended took, all together.</summary>
    internal TimeSpan TimeWaited => TimeSpan.FromTicks(Volatile.Read(ref _ticksWaited));

    /// <summary>Whether somebody waits: then a call that may wait does, too. Read without the lock: of two calls that meet, either may be
    /// the first.</summary>
    private bool IsQueued => Volatile.Read(ref _followed) && !_queue.IsEmpty;

    /// <summary>Allocates a range under the arena's policy; if nothing fits, waits until something does.</summary>
    /// <inheritdoc cref="TryAllocate(T, FitPolicy, TimeSpan, out T, CancellationToken)"/>
    public bool TryAllocate(T size, TimeSpan timeout, out T start, CancellationToken cancellationToken = default) =>
        TryAllocate(size, _policy, timeout, out start, cancellationToken);

    /// <summary>Allocates a range under the given policy; if nothing fits, waits until something does (vmem_alloc with VM_SLEEP).</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="policy">Which free segment is taken.</param>
    /// <param name="timeout">How long to wait at most. Zero: not at all. <see cref="Timeout.InfiniteTimeSpan"/>: for ever.</param>
    /// <param name="start">The first value of the range.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False if the time has passed.</returns>
    /// <exception cref="ArgumentException">The request is not well formed, the timeout is negative or more than
    /// <see cref="int.MaxValue"/> milliseconds, or the call would wait for what no freeing and importing could ever make room for.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The arena was disposed, before the call or during the wait.</exception>
    /// <exception cref="InvalidOperationException">The call would wait in a single-threaded arena: nobody could free meanwhile.</exception>
    /// <remarks>First come, first served among those who wait. What the source throws while it is asked on behalf of this request is thrown
    /// here. A wait costs some managed objects; a call that need not wait none, and as much as one that cannot.</remarks>
    public bool TryAllocate(T size, FitPolicy policy, TimeSpan timeout, out T start, CancellationToken cancellationToken = default)
    {
        T rounded = RoundUp(size);
        CheckPolicy(policy, nameof(policy));
        CheckTimeout(timeout);
        cancellationToken.ThrowIfCancellationRequested();
        bool tried = timeout == TimeSpan.Zero || !IsQueued;
        if (tried && TryAllocate(size, policy, out start))
        {
            return true;
        }

        return Block(new Placement<T>(rounded, default, Quantum), default, policy, tried, timeout, cancellationToken, out start);
    }

    /// <summary>Allocates a range that satisfies constraints, under the arena's policy; if there is no place, waits until there is.</summary>
    /// <inheritdoc cref="TryAllocateConstrained(T, in RangeConstraints{T}, FitPolicy, TimeSpan, out T, CancellationToken)"/>
    public bool TryAllocateConstrained(T size, in RangeConstraints<T> constraints, TimeSpan timeout, out T start, CancellationToken cancellationToken = default) =>
        TryAllocateConstrained(size, constraints, _policy, timeout, out start, cancellationToken);

    /// <summary>Allocates a range that satisfies constraints, under the given policy; if there is no place, waits until there is (vmem_xalloc
    /// with VM_SLEEP).</summary>
    /// <inheritdoc cref="TryAllocate(T, FitPolicy, TimeSpan, out T, CancellationToken)"/>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <param name="policy">Which of the possible places is taken.</param>
    /// <param name="timeout">How long to wait at most. Zero: not at all. <see cref="Timeout.InfiniteTimeSpan"/>: for ever.</param>
    /// <param name="start">The first value of the range.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public bool TryAllocateConstrained(T size, in RangeConstraints<T> constraints, FitPolicy policy, TimeSpan timeout, out T start, CancellationToken cancellationToken = default)
    {
        RangeConstraints<T> mine = constraints;   // the caller's variable may change under us
        Placement<T> placement = Place(size, mine, policy);
        CheckTimeout(timeout);
        cancellationToken.ThrowIfCancellationRequested();
        bool tried = timeout == TimeSpan.Zero || !IsQueued;
        if (tried && TryAllocateConstrained(size, mine, policy, out start))
        {
            return true;
        }

        return Block(placement, mine, policy, tried, timeout, cancellationToken, out start);
    }

    /// <summary>Allocates a range under the arena's policy; completes when there is room.</summary>
    /// <inheritdoc cref="AllocateAsync(T, FitPolicy, CancellationToken)"/>
    public ValueTask<T> AllocateAsync(T size, CancellationToken cancellationToken = default) => AllocateAsync(size, _policy, cancellationToken);

    /// <summary>Allocates a range under the given policy; completes when there is room, at once if there is (vmem_alloc with
    /// VM_SLEEP).</summary>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="policy">Which free segment is taken.</param>
    /// <param name="cancellationToken">Ends the wait. In a single-threaded arena it must be cancelled on the one thread.</param>
    /// <returns>The first value of the range. Cancelled with the token; faulted with <see cref="ObjectDisposedException"/> if the arena is
    /// disposed meanwhile, or with what the source threw when it was asked on behalf of this request.</returns>
    /// <exception cref="ArgumentException">The request is not well formed, or would wait for what no freeing and importing could ever make
    /// room for; thrown at once.</exception>
    /// <remarks>First come, first served among those who wait. A call that need not wait allocates no managed memory. A range that is
    /// granted belongs to the caller, also if the task is never looked at.</remarks>
    public ValueTask<T> AllocateAsync(T size, FitPolicy policy, CancellationToken cancellationToken = default)
    {
        T rounded = RoundUp(size);
        CheckPolicy(policy, nameof(policy));
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<T>(cancellationToken);
        }

        bool tried = !IsQueued;
        return tried && TryAllocate(size, policy, out T start)
            ? new ValueTask<T>(start)
            : new ValueTask<T>(Wait(new Placement<T>(rounded, default, Quantum), default, policy, tried, Timeout.InfiniteTimeSpan, cancellationToken).Task);
    }

    /// <summary>Allocates a range that satisfies constraints, under the arena's policy; completes when there is a place.</summary>
    /// <inheritdoc cref="AllocateAsync(T, in RangeConstraints{T}, FitPolicy, CancellationToken)"/>
    public ValueTask<T> AllocateAsync(T size, in RangeConstraints<T> constraints, CancellationToken cancellationToken = default) =>
        AllocateAsync(size, constraints, _policy, cancellationToken);

    /// <summary>Allocates a range that satisfies constraints, under the given policy; completes when there is a place (vmem_xalloc with
    /// VM_SLEEP).</summary>
    /// <inheritdoc cref="AllocateAsync(T, FitPolicy, CancellationToken)"/>
    /// <param name="size">Its length in units; rounded up to the quantum.</param>
    /// <param name="constraints">Where it may lie.</param>
    /// <param name="policy">Which of the possible places is taken.</param>
    /// <param name="cancellationToken">Ends the wait. In a single-threaded arena it must be cancelled on the one thread.</param>
    public ValueTask<T> AllocateAsync(T size, in RangeConstraints<T> constraints, FitPolicy policy, CancellationToken cancellationToken = default)
    {
        RangeConstraints<T> mine = constraints;   // the caller's variable may change under us
        Placement<T> placement = Place(size, mine, policy);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<T>(cancellationToken);
        }

        bool tried = !IsQueued;
        return tried && TryAllocateConstrained(size, mine, policy, out T start)
            ? new ValueTask<T>(start)
            : new ValueTask<T>(Wait(placement, mine, policy, tried, Timeout.InfiniteTimeSpan, cancellationToken).Task);
    }

    /// <summary>Says that the source may have room again: those who wait are tried. For sources that cannot say so themselves
    /// (<see cref="INotifyingArenaSource{T}"/>).</summary>
    /// <remarks>Cheap when nobody waits. Frees in the arena itself need no such call.</remarks>
    public void RetryWaiters()
    {
        Enter();
        bool followed = _followed;
        Exit();
        if (followed)
        {
            RoomMayHaveCome();
        }
    }

    private static void CheckTimeout(TimeSpan timeout)
    {
        if (timeout != Timeout.InfiniteTimeSpan && (timeout < TimeSpan.Zero || timeout.TotalMilliseconds > int.MaxValue))
        {
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, $"A timeout is infinite or between 0 and {int.MaxValue} ms.");
        }
    }

    private Placement<T> Place(T size, in RangeConstraints<T> constraints, FitPolicy policy)
    {
        size = RoundUp(size);
        CheckConstraints(size, constraints);
        CheckPolicy(policy, nameof(policy));
        return new Placement<T>(size, constraints, Quantum);
    }

    /// <summary>Waits on the calling thread, unless the timeout is zero.</summary>
    private bool Block(in Placement<T> placement, in RangeConstraints<T> constraints, FitPolicy policy, bool tried, TimeSpan timeout, CancellationToken cancellationToken, out T start)
    {
        start = default;
        if (timeout == TimeSpan.Zero)
        {
            return false;
        }

        Waiter<T> waiter = Wait(placement, constraints, policy, tried, timeout, cancellationToken, blocking: true);
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
    /// <param name="blocking">Whether the one thread that could free would be blocked, if the arena has only one.</param>
    /// <returns>The waiter; it may have been served already.</returns>
    internal Waiter<T> Wait(in Placement<T> placement, in RangeConstraints<T> constraints, FitPolicy policy, bool tried, TimeSpan timeout, CancellationToken cancellationToken, bool blocking = false)
    {
        long removals = Removals;
        Waiter<T> waiter;
        bool first;
        bool following = false;
        SuspendCaches();
        try
        {
            CheckPossible(placement, constraints, tried);
            if (blocking && !_shared)
            {
                throw new InvalidOperationException($"Arena '{Name}' is single-threaded: while its one thread waited, nobody could free. Wait asynchronously.");
            }

            FollowSource();
            following = true;
            waiter = new Waiter<T>(this, placement, constraints, policy, cancellationToken);
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
            timer = timeout == Timeout.InfiniteTimeSpan ? null : _time.CreateTimer(s_timedOut, waiter, timeout, Timeout.InfiniteTimeSpan);
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
            FreeConstrained(waiter.Start, waiter.Placement.Size);
        }
    }

    /// <summary>Everything that follows when a waiter has left the queue, whatever for. Called once for each, under no lock.</summary>
    private void Conclude(Waiter<T> waiter)
    {
        try
        {
            waiter.Timer?.Dispose();
            waiter.Registration.Unregister();
            if (waiter.Began is { } began)
            {
                NoteWaited(_time.GetElapsedTime(began));
            }

            UnfollowSource();
            ResumeCaches();
        }
        finally
        {
            waiter.Complete();
        }
    }

    /// <summary>A wait has ended, well or badly. Called once for each, under no lock.</summary>
    private void NoteWaited(TimeSpan duration) => Interlocked.Add(ref _ticksWaited, duration.Ticks);
}
