using Vmem.Waiting;

namespace Vmem;

// Room that comes in one arena wakes who waits in the arenas above it.
//
// An arena listens to its source while somebody waits in it or listens to it, so that a chain of any length is woken from its ground. It
// counts the reasons and subscribes with the first; the reason is counted before the waiter is queued, and whoever subscribed serves the
// queue afterwards, so that no notification falls between.
//
// Listeners are called by the thread that made the room, one after the other, under no lock. They are an array that is replaced, not
// changed: who calls them needs no lock, and may meanwhile change them.
//
// A single-threaded arena above a shared one does not listen: it would be served on a thread that it was promised would not come. Its
// owner calls RetryWaiters.
public sealed partial class Arena<T>
{
    private Action[] _listeners = [];
    private Action? _sourceMayHaveRoom;
    private long _reasonsToListen;
    private long _removalsHeard;

    private INotifyingArenaSource<T>? NotifyingSource => _shared || _source is Arena<T> { _shared: false } ? _source as INotifyingArenaSource<T> : null;

    /// <inheritdoc/>
    void INotifyingArenaSource<T>.Subscribe(Action mayHaveRoom)
    {
        ArgumentNullException.ThrowIfNull(mayHaveRoom);
        SuspendCaches();
        try
        {
            FollowSource();
        }
        catch
        {
            ResumeCaches();
            throw;
        }

        EnterRaw();
        _listeners = [.. _listeners, mayHaveRoom];
        NoteFollowers();
        Exit();
    }

    /// <inheritdoc/>
    void INotifyingArenaSource<T>.Unsubscribe(Action mayHaveRoom)
    {
        EnterRaw();
        int index = Array.IndexOf(_listeners, mayHaveRoom);
        if (index >= 0)
        {
            _listeners = [.. _listeners[..index], .. _listeners[(index + 1)..]];
            NoteFollowers();
        }

        Exit();
        if (index >= 0)
        {
            UnfollowSource();
            ResumeCaches();
        }
    }

    private void FollowSource()
    {
        if (NotifyingSource is not { } source)
        {
            return;
        }

        EnterRaw();
        bool first = _reasonsToListen++ == 0;
        Action listener = _sourceMayHaveRoom ??= SourceMayHaveRoom;
        Exit();
        if (!first)
        {
            return;
        }

        try
        {
            source.Subscribe(listener);
        }
        catch
        {
            EnterRaw();
            _reasonsToListen--;
            Exit();
            throw;
        }

        if (Volatile.Read(ref _followed))
        {
            ServeAndNotify(echo: false);          // who was queued meanwhile relied on this subscription before it was there
        }
    }

    private void UnfollowSource()
    {
        if (NotifyingSource is not { } source)
        {
            return;
        }

        EnterRaw();
        bool last = --_reasonsToListen == 0;
        Exit();
        if (last)
        {
            source.Unsubscribe(_sourceMayHaveRoom!);
        }
    }

    private void SourceMayHaveRoom()
    {
        long removals = Removals;
        if (Interlocked.Exchange(ref _removalsHeard, removals) != removals)
        {
            FailTheImpossible();
        }

        ServeAndNotify(echo: true);
    }

    private void NotifyListeners()
    {
        foreach (Action listener in Volatile.Read(ref _listeners))
        {
            listener();
        }
    }
}
