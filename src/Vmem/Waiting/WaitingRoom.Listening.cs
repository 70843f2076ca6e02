using Vmem.Checks;
using Vmem.Lending;
using Vmem.Space;

namespace Vmem.Waiting;

// Room that comes in one arena wakes who waits in the arenas above it. What goes there may make it impossible here.
//
// An arena listens to its source while somebody waits in it or listens to it, so that a chain of any length is woken from its ground. It
// listens before the waiter is queued or the listener is there, so that no notification falls between. Listeners are called by the thread
// that made the room, one after the other, under no lock.
internal sealed partial class WaitingRoom<T>
{
    /// <summary>How many waiters are passed under one lock: some microseconds. Otherwise arbitrary.</summary>
    private const int PassedAtATime = 256;

    private long _removalsHeard;
    private long _waiters;                        // that were ever queued

    /// <inheritdoc cref="INotifyingArenaSource{T}.Subscribe"/>
    public void Subscribe(Action mayHaveRoom)
    {
        ArgumentNullException.ThrowIfNull(mayHaveRoom);
        Follow();
        try
        {
            while (!TryAdd(mayHaveRoom))
            {
                _supply.Watch();
            }
        }
        catch
        {
            Conclusion.Undo(this, static room => room.Unfollow());
            throw;
        }

        // A listener wants to know of any room, and what is lent is put back in silence.
        Conclusion end = default;
        if (_supply.TryTakeBackLent(ref end))
        {
            ServeAndNotify(isOwnRelease: false, mayImport: false, onThisThread: false, ref end);
        }

        try
        {
            end.Throw();
        }
        catch
        {
            Conclusion.Undo((Room: this, mayHaveRoom), static it => it.Room.Unsubscribe(it.mayHaveRoom));
            throw;
        }
    }

    private bool TryAdd(Action listener)
    {
        using (_space.VisitEvenEnded())
        {
            if (!_supply.IsWatched)
            {
                return false;
            }

            _listeners = [.. _listeners, listener];
            NoteWatchers();
            return true;
        }
    }

    /// <inheritdoc/>
    public bool IsWatchedBeside(int listeners) => !_queue.IsEmpty || Volatile.Read(ref _listeners).Length > listeners;

    /// <inheritdoc cref="INotifyingArenaSource{T}.Unsubscribe"/>
    public void Unsubscribe(Action mayHaveRoom)
    {
        using (_space.VisitEvenEnded())
        {
            int index = Array.IndexOf(_listeners, mayHaveRoom);
            if (index < 0)
            {
                return;
            }

            _listeners = [.. _listeners[..index], .. _listeners[(index + 1)..]];
            NoteWatchers();
        }

        Unfollow();
    }

    /// <summary>From now until <see cref="Unfollow"/> every free, here or below, reaches the queue.</summary>
    private void Follow()
    {
        _supply.Watch();
        _listener.Listen(_space);
    }

    private void Unfollow() => _listener.StopListening(_space);

    private void SourceMayHaveRoom()
    {
        Conclusion end = default;
        long removals = _space.Removals;
        if (Interlocked.Exchange(ref _removalsHeard, removals) != removals)
        {
            end.Take(RoomHasGone);
        }

        // Somebody else's source that has called by itself is asked back on its thread.
        bool hasCalled = _space.Source is not (ISupply<T> or SharedSource<T> { Notifies: false }) && Space<T>.Tellings == 0;
        ServeAndNotify(isOwnRelease: true, mayImport: true, onThisThread: hasCalled, ref end);
        end.Throw();
    }

    public void NotifyListeners(ref Conclusion end)
    {
        foreach (Action listener in Volatile.Read(ref _listeners))
        {
            end.Take(listener);
        }
    }

    /// <inheritdoc/>
    public void RoomHasGone()
    {
        Conclusion end = default;
        bool hasLeft = false;
        long newest = Volatile.Read(ref _waiters);              // who comes later looks for himself
        long seen = 0;
        Waiter<T>? stays = null;
        while (TryStep(ref stays, seen, newest, out Waiter<T>? waiter))
        {
            if (waiter is not null)
            {
                seen = waiter.Number;
                end.Take((this, waiter), static it => it.Item1.FailIfImpossible(it.waiter));
                bool isQueued = waiter.State == WaitState.Queued;
                stays = isQueued ? waiter : stays;
                hasLeft |= !isQueued;
            }
        }

        if (hasLeft)
        {
            Serve(isOwnRelease: false, mayImport: false, onThisThread: false, ref end);
        }

        end.Throw();
    }

    /// <summary>A step of a walk along the queue, without a copy of it: each takes the lock for itself, and others come between.</summary>
    /// <param name="stays">The last waiter that was seen and is still queued; if it has left, the walk begins at the head again.</param>
    /// <param name="seen">The number of the last one that was seen.</param>
    /// <param name="newest">The number of the last one to be seen.</param>
    /// <param name="waiter">The next one; null if others that were seen lie before it.</param>
    /// <returns>False at the end.</returns>
    private bool TryStep(ref Waiter<T>? stays, long seen, long newest, out Waiter<T>? waiter)
    {
        using Visit<T> visit = _space.VisitEvenEnded();
        waiter = stays is { State: WaitState.Queued } ? stays.Next : _queue.Head;
        for (int steps = 0; waiter is not null && waiter.Number <= seen; waiter = waiter.Next)
        {
            stays = waiter;
            if (++steps == PassedAtATime)
            {
                waiter = null;
                return true;
            }
        }

        return waiter is not null && waiter.Number <= newest;
    }

    private void FailIfImpossible(Waiter<T> waiter)
    {
        Exception failure;
        try
        {
            if (_supply.WhyNever(waiter.Request) is not { } reason)
            {
                return;
            }

            failure = _space.Exhausted(_supply.Explain(waiter.Request), $"What it waited for has gone. {reason}");
        }
        catch (ObjectDisposedException disposed)
        {
            failure = disposed;                   // this arena, which has failed all its waiters, or its source
        }

        bool left;
        using (_space.VisitEvenEnded())
        {
            left = TryFail(waiter, failure);
        }

        if (left)
        {
            _space.NoteFailure(waiter.Request.Size);
            CompleteWaiter(waiter);
        }
    }
}
