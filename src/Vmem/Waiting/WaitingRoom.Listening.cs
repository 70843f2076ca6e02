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
    private long _removalsHeard;

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
            Unfollow();
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
            Unsubscribe(mayHaveRoom);
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
        List<Waiter<T>> waiters = [];
        using (_space.VisitEvenEnded())
        {
            for (Waiter<T>? waiter = _queue.Head; waiter is not null; waiter = waiter.Next)
            {
                waiters.Add(waiter);
            }
        }

        Conclusion end = default;
        foreach (Waiter<T> waiter in waiters)
        {
            end.Take((this, waiter), static it => it.Item1.FailIfImpossible(it.waiter));
        }

        if (waiters.Exists(static waiter => waiter.State != WaitState.Queued))
        {
            Serve(isOwnRelease: false, mayImport: false, onThisThread: false, ref end);
        }

        end.Throw();
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
