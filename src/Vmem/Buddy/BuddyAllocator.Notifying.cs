using Vmem.Checks;
using Vmem.Lending;

namespace Vmem;

// Whoever waits in an arena above hears when a block comes back. A free looks for listeners only by the flag that it tests anyway.
public sealed partial class BuddyAllocator<T> : INotifyingArenaSource<T>, IBorrower
{
    private Action[] _listeners = [];             // replaced, not changed: whoever calls them needs no lock

    /// <inheritdoc/>
    void INotifyingArenaSource<T>.Subscribe(Action mayHaveRoom)
    {
        ArgumentNullException.ThrowIfNull(mayHaveRoom);
        using Stay stay = new(this);
        SetListeners([.. _listeners, mayHaveRoom]);
    }

    /// <inheritdoc/>
    void INotifyingArenaSource<T>.Unsubscribe(Action mayHaveRoom)
    {
        using Stay stay = new(this);
        int index = Array.IndexOf(_listeners, mayHaveRoom);
        if (index >= 0)
        {
            SetListeners([.. _listeners[..index], .. _listeners[(index + 1)..]]);
        }
    }

    /// <inheritdoc/>
    bool IBorrower.IsWatchedBeside(int listeners) => Volatile.Read(ref _listeners).Length > listeners;

    /// <summary>No span is ever removed.</summary>
    long IBorrower.Removals => 0;

    /// <summary>It borrows nothing.</summary>
    bool IBorrower.GiveBack(Recall recall) => false;

    /// <inheritdoc/>
    void IBorrower.EndRecall() => NotifyListeners();

    /// <summary>The lock is held.</summary>
    private void SetListeners(Action[] listeners)
    {
        Volatile.Write(ref _listeners, listeners);
        _watchesFrees = AlwaysChecksKeys || _audit is not null || listeners.Length > 0;
    }

    /// <summary>A block came back. The lock is not held.</summary>
    private void NotifyListeners()
    {
        if (Recall.IsUnderWay)
        {
            return;                               // in the end whoever recalls does
        }

        Conclusion end = default;
        foreach (Action listener in Volatile.Read(ref _listeners))
        {
            end.Take(listener);
        }

        end.Throw();
    }

    /// <summary>A stay under the lock.</summary>
    private readonly ref struct Stay
    {
        private readonly BuddyAllocator<T> _buddies;

        public Stay(BuddyAllocator<T> buddies)
        {
            _buddies = buddies;
            buddies.Enter();
        }

        public void Dispose() => _buddies.Exit();
    }
}
