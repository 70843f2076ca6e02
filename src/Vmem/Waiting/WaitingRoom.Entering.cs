using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Space;

namespace Vmem.Waiting;

// The way into the queue, see "into the queue" at WaitingRoom.
internal sealed partial class WaitingRoom<T>
{
    private StrongBox<Request<T>>? _lastAsked;

    /// <summary>Waits on the calling thread, unless the timeout is zero.</summary>
    /// <param name="request">A request that could not be met.</param>
    /// <param name="tried">See <see cref="Wait"/>.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="start">The range.</param>
    /// <returns>False if the time has passed.</returns>
    public bool Block(in Request<T> request, bool tried, TimeSpan timeout, CancellationToken cancellationToken, out T start)
    {
        start = default;
        if (timeout == TimeSpan.Zero)
        {
            return false;
        }

        var sleeper = Sleeper.Take();
        try
        {
            Waiter<T> waiter = Wait(request, tried, timeout, cancellationToken, sleeper);
            Sleep(waiter, sleeper);
            return waiter.GetResult(cancellationToken, out start);
        }
        finally
        {
            sleeper.GiveBack();
        }
    }

    private void Sleep(Waiter<T> waiter, Sleeper sleeper)
    {
        try
        {
            Exploration.Awaiting(waiter.Task);
            sleeper.SleepUntil(waiter.Task);
        }
        catch
        {
            Abandon(waiter);                      // the thread was interrupted
            throw;
        }
    }

    /// <summary>Queues a request that could not be met.</summary>
    /// <param name="request">The request.</param>
    /// <param name="tried">Whether it was tried in vain, and counted as a failure, which it is not yet.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="sleeper">What the calling thread will block on; null if it does not.</param>
    /// <returns>The waiter; it may have been served already.</returns>
    /// <exception cref="ArgumentException">It can never be met.</exception>
    public Waiter<T> Wait(in Request<T> request, bool tried, TimeSpan timeout, CancellationToken cancellationToken, Sleeper? sleeper = null)
    {
        long removals = _space.Removals;
        if (tried)
        {
            _space.TakeBackFailure();
        }

        if (sleeper is not null && !_space.IsShared)
        {
            ThrowIfImpossible(request);
            throw new InvalidOperationException($"Arena '{_space.Name}' is single-threaded: while its one thread waited, nobody could free. Wait asynchronously.");
        }

        WaitLimits? limits = timeout == Timeout.InfiniteTimeSpan && !cancellationToken.CanBeCanceled ? null
            : new WaitLimits(timeout, cancellationToken);
        var waiter = new Waiter<T>(this, _supply, Share(request), limits, sleeper);
        Queue(waiter, waitsForRoomOnly: limits is null, out bool isFirst);
        Exploration.MayForget(ref isFirst, "serve who has come first");
        try
        {
            if (isFirst)
            {
                _space.TryRecall()?.End();        // what arenas above keep; from now on they keep nothing more
                ServeOnThisThread(waiter);
            }

            if (removals != _space.Removals)
            {
                RoomHasGone();
            }

            if (waiter.Began is null)
            {
                waiter.Arm(_space, _times, _time);
            }

            return waiter;
        }
        catch
        {
            Abandon(waiter);
            throw;
        }
    }

    private void Queue(Waiter<T> waiter, bool waitsForRoomOnly, out bool isFirst)
    {
        Follow();
        try
        {
            bool isPossible = false;
            while (!TryAppend(waiter, waitsForRoomOnly, isPossible, out isFirst))
            {
                _supply.Watch();
                ThrowIfImpossible(waiter.Request);
                isPossible = true;
            }
        }
        catch
        {
            Conclusion.Undo(this, static room => room.Unfollow());
            throw;
        }
    }

    /// <summary>The request, for a waiter to keep. In most pools all who wait ask for the same.</summary>
    private StrongBox<Request<T>> Share(in Request<T> request)
    {
        StrongBox<Request<T>>? last = _lastAsked; // never changes once it is there
        if (last is null || !last.Value.IsAsPlainAs(request))
        {
            _lastAsked = last = new StrongBox<Request<T>>(request);
        }

        return last;
    }

    /// <summary>Queues a waiter. One that stands behind others, and only room can end its wait, waits from now on.</summary>
    /// <returns>False if the caches are not watched, or it is not certain that the request is possible.</returns>
    private bool TryAppend(Waiter<T> waiter, bool waitsForRoomOnly, bool isPossible, out bool isFirst)
    {
        long began = waitsForRoomOnly ? _time.GetTimestamp() : 0;
        using Visit<T> visit = _space.Visit();
        isFirst = _queue.IsEmpty;
        if (!_supply.IsWatched || !(isPossible || _space.Map.HasPlaceInSpans(waiter.Request.Placement)))
        {
            return false;
        }

        if (waitsForRoomOnly && !isFirst)
        {
            waiter.Begin(began, _times);
        }

        waiter.Number = ++_waiters;
        _queue.Append(waiter);
        NoteWatchers();
        return true;
    }

    private void ThrowIfImpossible(in Request<T> request)
    {
        if (_supply.WhyNever(request) is { } reason)
        {
            throw new ArgumentException(reason);
        }
    }
}
