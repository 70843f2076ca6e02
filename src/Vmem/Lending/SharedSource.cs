using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Lending;

/// <summary>A source that somebody else wrote, as the arenas above it see it: through it they know of each other.</summary>
/// <remarks>
/// <para>
/// Such a source knows neither who keeps what nor who waits. There is one of these for each, whichever arenas share it. It lists those who
/// may keep something. What one of them gives back it tells those who wait in the others, unless the source says so itself.
/// </para>
/// <para>
/// <b>During a recall</b> nothing reaches the source. Its code may free something, and whoever waits for that hears nothing meanwhile. It
/// may also wait for a lock of its own, whose holder waits for the recall. So what came back is put aside, and goes when the gate has
/// opened: by whoever has waited for that recall, as he will ask the source next.
/// </para>
/// <para>
/// <b>What helped nobody</b> is put back in silence. Two who wait would otherwise hand it to and fro for ever. Only if somebody was refused
/// meanwhile, it may have been for want of just that: then all are told, but not without end (<see cref="MostTellings"/>). Who is refused
/// says so and then looks whether something was put back; who puts back does so and then looks whether somebody was refused.
/// </para>
/// <para>An arena of one thread has no part in it: it would be asked on a thread that it was promised would not come.</para>
/// </remarks>
internal sealed class SharedSource<T> : INotifyingArenaSource<T>, ILoanSource, IBorrower
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private static readonly ConditionalWeakTable<IArenaSource<T>, SharedSource<T>> s_all = [];

    /// <summary>How often, for each who listens, what was put back is told before something comes that is news. Arbitrary: that many times
    /// somebody was refused for want of what another had just then in vain.</summary>
    private const int MostTellings = 64;

    private readonly IArenaSource<T> _source;
    private readonly INotifyingArenaSource<T>? _notifying;      // the same, if it says when it may have room
    private readonly List<(T Start, T Size)> _aside = [];      // came back in a recall
    private ArenaLock _lock;                      // of all that follows, and of what is aside: a leaf
    private Action[] _listeners = [];             // replaced, not changed: whoever calls them needs no lock
    private long _refusals;
    private long _putBacks;
    private int _tellings;                        // of what was put back, since the last news

    private SharedSource(IArenaSource<T> source)
    {
        _source = source;
        _notifying = source as INotifyingArenaSource<T>;
        Borrowers = new Borrowers(this, below: null, isShared: true);
    }

    /// <summary>The one for a source.</summary>
    public static SharedSource<T> Of(IArenaSource<T> source) => s_all.GetValue(source, static source => new SharedSource<T>(source));

    /// <inheritdoc/>
    public Borrowers Borrowers { get; }

    /// <summary>Whether the source says by itself when it may have room.</summary>
    public bool Notifies => _notifying is not null;

    /// <summary>How often it had nothing.</summary>
    public long Refusals => Volatile.Read(ref _refusals);

    /// <summary>Whether something has come back that has not reached the source yet.</summary>
    public bool HasAside
    {
        get
        {
            using ArenaLock.Scope held = _lock.EnterScope();
            return _aside.Count > 0;
        }
    }

    /// <inheritdoc/>
    public T Quantum => _source.Quantum;

    /// <inheritdoc/>
    public bool TryImport(T size, in RangeConstraints<T> constraints, out T start, out T imported)
    {
        long putBacks;
        do
        {
            putBacks = Volatile.Read(ref _putBacks);
            if (_source.TryImport(size, constraints, out start, out imported))
            {
                return true;
            }

            _ = Interlocked.Increment(ref _refusals);
        }
        while (Volatile.Read(ref _putBacks) != putBacks);

        return false;
    }

    /// <inheritdoc/>
    public void Release(T start, T size)
    {
        if (!Recall.IsUnderWay || !TryPutAside(start, size))
        {
            _source.Release(start, size);
            Volatile.Write(ref _tellings, 0);
            TellOfRoom();
        }
    }

    /// <summary>Takes back at once what did not help who had asked for it.</summary>
    /// <param name="start">Where it begins.</param>
    /// <param name="size">How long it is.</param>
    /// <param name="refusals">What <see cref="Refusals"/> was before it was asked for.</param>
    public void PutBack(T start, T size, long refusals)
    {
        _source.Release(start, size);
        _ = Interlocked.Increment(ref _putBacks);
        if (Refusals != refusals && Interlocked.Increment(ref _tellings) <= MostTellings * Volatile.Read(ref _listeners).Length)
        {
            TellOfRoom();
        }
    }

    /// <summary>Has all others above give back what they keep, for one who will ask next. Under no lock.</summary>
    public void TakeBack(Recall recall)
    {
        Borrowers.GiveBack(Borrowers.Begun, recall);
        while (TryTakeAside(out T start, out T size))
        {
            recall.Take((Shared: this, start, size), static it => it.Shared.Release(it.start, it.size));
        }
    }

    /// <inheritdoc/>
    public void Subscribe(Action mayHaveRoom)
    {
        _notifying?.Subscribe(mayHaveRoom);
        try
        {
            using ArenaLock.Scope held = _lock.EnterScope();
            _listeners = [.. _listeners, mayHaveRoom];
        }
        catch
        {
            Conclusion.Undo((_notifying, mayHaveRoom), static it => it._notifying?.Unsubscribe(it.mayHaveRoom));
            throw;
        }
    }

    /// <inheritdoc/>
    public void Unsubscribe(Action mayHaveRoom)
    {
        using (_lock.EnterScope())
        {
            int index = Array.IndexOf(_listeners, mayHaveRoom);
            _listeners = index < 0 ? _listeners : [.. _listeners[..index], .. _listeners[(index + 1)..]];
        }

        _notifying?.Unsubscribe(mayHaveRoom);
    }

    /// <inheritdoc/>
    bool IBorrower.IsWatchedBeside(int listeners) => Volatile.Read(ref _listeners).Length > listeners;

    /// <summary>What the source takes away it takes by <see cref="Arena{T}.Revoke"/>.</summary>
    long IBorrower.Removals => 0;

    /// <summary>Nobody knows what it borrows.</summary>
    bool IBorrower.GiveBack(Recall recall) => false;

    /// <inheritdoc/>
    void IBorrower.EndRecall() => CallListeners();

    /// <summary>False if there is no memory to note it: then it goes to the source at once.</summary>
    private bool TryPutAside(T start, T size)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        try
        {
            _aside.Add((start, size));
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private bool TryTakeAside(out T start, out T size)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        (start, size) = _aside is [.., var last] ? last : default;
        if (T.IsZero(size))
        {
            return false;
        }

        _aside.RemoveAt(_aside.Count - 1);
        return true;
    }

    private void TellOfRoom()
    {
        if (!Notifies && !Recall.IsUnderWay)
        {
            CallListeners();
        }
    }

    private void CallListeners()
    {
        Conclusion end = default;
        foreach (Action listener in Volatile.Read(ref _listeners))
        {
            end.Take(listener);
        }

        end.Throw();
    }
}
