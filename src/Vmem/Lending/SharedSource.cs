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
/// <b>During a recall</b> nothing reaches the source. Its code may free something, and whoever waits for that hears nothing meanwhile. What
/// came back goes when all have been asked, before the gate opens: whoever waited for the recall finds it there.
/// </para>
/// <para>
/// <b>What helped nobody</b> is put back in silence. Two who wait would otherwise hand it to and fro for ever. Only if somebody was refused
/// meanwhile, it may have been for want of just that.
/// </para>
/// <para>An arena of one thread has no part in it: it would be asked on a thread that it was promised would not come.</para>
/// </remarks>
internal sealed class SharedSource<T> : INotifyingArenaSource<T>, ILoanSource, IBorrower
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private static readonly ConditionalWeakTable<IArenaSource<T>, SharedSource<T>> s_all = [];

    private readonly IArenaSource<T> _source;
    private readonly Gate _listening = new();
    private readonly List<(T Start, T Size)> _held = [];       // during a recall, by the thread that recalls
    private Action[] _listeners = [];             // replaced, not changed: whoever calls them needs no lock
    private long _refusals;

    private SharedSource(IArenaSource<T> source)
    {
        _source = source;
        Borrowers = new Borrowers(this, below: null, isShared: true, ReleaseHeld);
    }

    /// <summary>The one for a source.</summary>
    public static SharedSource<T> Of(IArenaSource<T> source) => s_all.GetValue(source, static source => new SharedSource<T>(source));

    /// <inheritdoc/>
    public Borrowers Borrowers { get; }

    /// <summary>Whether the source says by itself when it may have room.</summary>
    public bool Notifies => _source is INotifyingArenaSource<T>;

    /// <summary>How often it had nothing.</summary>
    public long Refusals => Volatile.Read(ref _refusals);

    /// <inheritdoc/>
    public T Quantum => _source.Quantum;

    /// <inheritdoc/>
    public bool TryImport(T size, in RangeConstraints<T> constraints, out T start, out T imported)
    {
        if (_source.TryImport(size, constraints, out start, out imported))
        {
            return true;
        }

        _ = Interlocked.Increment(ref _refusals);
        return false;
    }

    /// <inheritdoc/>
    public void Release(T start, T size)
    {
        if (!Recall.IsUnderWay || !TryHold(start, size))
        {
            _source.Release(start, size);
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
        if (Refusals != refusals)
        {
            TellOfRoom();
        }
    }

    /// <inheritdoc/>
    public void Subscribe(Action mayHaveRoom)
    {
        (_source as INotifyingArenaSource<T>)?.Subscribe(mayHaveRoom);
        try
        {
            using Gate.Scope held = _listening.EnterScope();
            _listeners = [.. _listeners, mayHaveRoom];
        }
        catch
        {
            (_source as INotifyingArenaSource<T>)?.Unsubscribe(mayHaveRoom);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Unsubscribe(Action mayHaveRoom)
    {
        using (_listening.EnterScope())
        {
            int index = Array.IndexOf(_listeners, mayHaveRoom);
            _listeners = index < 0 ? _listeners : [.. _listeners[..index], .. _listeners[(index + 1)..]];
        }

        (_source as INotifyingArenaSource<T>)?.Unsubscribe(mayHaveRoom);
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
    private bool TryHold(T start, T size)
    {
        try
        {
            _held.Add((start, size));
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>All have been asked. The source may call arenas above itself, which recall on this thread: each range is taken out
    /// first.</summary>
    private void ReleaseHeld(Recall recall)
    {
        while (_held is [.., (T start, T size)])
        {
            _held.RemoveAt(_held.Count - 1);
            recall.Take((_source, start, size), static it => it._source.Release(it.start, it.size));
        }
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
