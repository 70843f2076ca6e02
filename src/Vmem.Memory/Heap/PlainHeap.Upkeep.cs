using Vmem.Caching;
using Vmem.Checks;
using Vmem.Memory.Budget;

namespace Vmem.Memory.Heap;

// What goes back: on request, at the end of an interval, and when memory is short.
internal sealed partial class PlainHeap : IMemoryKeeper
{
    private readonly Gate _returning = new();     // held while memory goes back: what is on the way is nobody's, and the heap must not end

    MemoryBudget IMemoryKeeper.Budget => _space.Budget;

    nuint IMemoryKeeper.Kept
    {
        get
        {
            using (_returning.EnterScope())
            {
                return _ended ? 0 : _space.FreeDirtyBytes + (_runs?.Count().Bytes ?? 0);
            }
        }
    }

    public nuint Trim()
    {
        nuint trimmed = GiveBack(idleOnly: false, discard: true);
        DiscardSparse();
        return _small.TakeWrongFree() is { } wrongFree ? throw wrongFree : trimmed;
    }

    /// <summary>No upkeep is at work and no collector reads any more, once this returns.</summary>
    public void Stop()
    {
        _ended = true;
        _upkeep.Dispose();
        _returning.Enter();                       // who comes later finds that the heap has ended
        _returning.Exit();
    }

    bool IUpkeepTarget.EndInterval()
    {
        GiveBackUnattended(idleOnly: !_space.Budget.Pressure.IsHigh);
        KeepWithinBounds(hasMore: true);
        return true;
    }

    void IUpkeepTarget.RelievePressure()
    {
        GiveBackUnattended(idleOnly: false);
        try
        {
            DiscardSparse();
        }
        catch (OutOfMemoryException)              // for the list of slabs
        {
        }
    }

    /// <summary>Without memory to do it, what was to go back goes at the end of another interval: on the timer's thread nothing would catch
    /// the exception.</summary>
    private void GiveBackUnattended(bool idleOnly)
    {
        try
        {
            _ = GiveBack(idleOnly, discard: true);
        }
        catch (OutOfMemoryException)
        {
        }
    }

    /// <summary>Pages of slabs on which no block is out go back. Not under a debugger, which looks whether freed blocks were written; nor
    /// on Windows, where a page that was given back may not be had again.</summary>
    private void DiscardSparse()
    {
        if (_starter is not null && !OperatingSystem.IsWindows())
        {
            _small.DiscardSparse();
        }
    }

    /// <summary>If more is kept than may be, half of what may be is kept: so this is not done for every block that is freed.</summary>
    /// <param name="hasMore">Whether pages have become free.</param>
    private void KeepWithinBounds(bool hasMore)
    {
        // Most of the time nothing that is dirty could be too much, whatever of it is free.
        nuint kept = _retained == nuint.MaxValue || !hasMore || _space.DirtyBytes <= _retained ? 0 : CountFreeDirty();
        if (kept <= _retained)
        {
            return;
        }

        try
        {
            _ = Discard(staleOnly: false, enough: kept - (_retained / 2));
        }
        catch (OutOfMemoryException)
        {
            // The block is freed all the same; the rest goes with the next.
        }
    }

    /// <summary>Bytes of free pages that may have memory; 0 if the heap has ended. A turn of the upkeep may come after that.</summary>
    private nuint CountFreeDirty()
    {
        using (_returning.EnterScope())
        {
            return _ended ? 0 : _space.FreeDirtyBytes;
        }
    }

    /// <param name="idleOnly">Whether only that goes back which nobody needed in the last interval.</param>
    /// <param name="discard">Whether the memory of free pages goes back, too. A request that finds no pages is not served by that.</param>
    /// <returns>How many bytes were given back.</returns>
    private nuint GiveBack(bool idleOnly, bool discard)
    {
        using (_returning.EnterScope())
        {
            if (_ended)
            {
                return 0;
            }

            _small.GiveBack(idleOnly);
            _runs?.GiveBack(idleOnly);
            _starter?.Trim();
        }

        nuint discarded = discard ? Discard(staleOnly: idleOnly) : 0;
        using (_returning.EnterScope())
        {
            if (!_ended && (!idleOnly || _space.IsClean))
            {
                _space.ReleaseEmpty();
            }
        }

        return discarded;
    }

    /// <summary>Gives the memory of free pages back, with the gate held for a piece at a time: who wants figures, or the end, waits no
    /// longer.</summary>
    private nuint Discard(bool staleOnly, nuint? enough = null)
    {
        nuint discarded = 0;
        using IEnumerator<nuint> pieces = _space.DiscardFree(staleOnly, enough).GetEnumerator();
        while (true)
        {
            using Gate.Scope returning = _returning.EnterScope();
            if (_ended || !pieces.MoveNext())
            {
                return discarded;
            }

            discarded += pieces.Current;
        }
    }
}
