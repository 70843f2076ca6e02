using Vmem.Caching;
using Vmem.Checks;
using Vmem.Memory.Budget;

namespace Vmem.Memory.Heap;

// What goes back: on request, at the end of an interval, when the heap grows, and when memory is short.
internal sealed partial class PlainHeap : IMemoryKeeper
{
    // By how much a heap grows before it looks, at least, and the part of it that this is: arbitrary.
    private const nuint LeastGrowth = 128 << 10;
    private const int GrowthDivisor = 32;

    // What goes back raises by a quarter of it how much may be taken before the next look. So no more than some four times what a heap has
    // at most goes back in all its life, however it is used.
    private const int RaiseDivisor = 4;

    // What one request pays for at most, some eight pieces (FreePages): arbitrary. The next ones that come to the pages go on.
    private const nuint MostAtOnce = 64 << 20;

    private readonly Gate _returning = new();     // held while memory goes back: what is on the way is nobody's, and the heap must not end
    private nuint _looked;                        // how much may be fresh before it looks; no bound while a thread does

    private bool GivesBackAsItGrows => _starter is not null && !_options.HugePages
        && _options.RetainedInterval != Timeout.InfiniteTimeSpan && !OperatingSystem.IsWindows();

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
        try
        {
            _upkeep.Dispose();
        }
        finally
        {
            _returning.Enter();                   // who comes later finds that the heap has ended
            _returning.Exit();
        }
    }

    bool IUpkeepTarget.EndInterval()
    {
        GiveBackUnattended(idleOnly: !_space.Budget.Pressure.IsHigh);
        KeepWithinBounds();
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

    /// <summary>Once the heap has taken more memory than ever, as many pages go back of those on which nothing lies. So what is free in
    /// places where nothing fits costs no memory beside what is taken elsewhere.</summary>
    /// <remarks>A program that needs the same again and again soon has as much as it needs at its worst moment, and comes here no more:
    /// what it frees and allocates again costs no page faults. Nor do the dirty pages that a heap has from another one before
    /// it. Growth is what is handed out, touched or not: a request for much more than the heap has ever had does not wait until all that
    /// is free has gone.</remarks>
    /// <param name="isRun">Whether it grew for a run. Then what is idle of the thread's runs has been looked at already.</param>
    private void ReplaceIfGrown(bool isRun)
    {
        nuint looked = Volatile.Read(ref _looked);
        nuint fresh = _space.FreshBytes;
        if (fresh <= looked || fresh - looked < nuint.Max(LeastGrowth, fresh / GrowthDivisor) || !GivesBackAsItGrows
            || Interlocked.CompareExchange(ref _looked, nuint.MaxValue, looked) != looked)
        {
            return;
        }

        nuint left = fresh - looked;
        nuint gone = 0;
        try
        {
            nuint most = nuint.Min(left, MostAtOnce);
            bool isDone = TryGiveBack(LeftBehind(isRun, most), mayWait: false, ref gone);
            left = !isDone ? left - nuint.Min(gone, left) : gone < most ? 0 : left - most;
        }
        catch (OutOfMemoryException)
        {
            // For the list of free pages. They stay, as they do without this; the block is taken all the same.
            left = 0;
        }
        finally
        {
            // What is left is looked at by the next that comes here. It has not come while others held the gate, or goes beyond what
            // one request pays for.
            nuint now = _space.FreshBytes;
            Volatile.Write(ref _looked, nuint.Max(looked, now - nuint.Min(left, now)) + (gone / RaiseDivisor));
        }
    }

    /// <summary>What goes back as the heap grows, a piece with each step: free pages first, then pages of slabs.</summary>
    private IEnumerable<nuint> LeftBehind(bool isRun, nuint most)
    {
        if (!isRun)
        {
            _runs?.ReturnIdle();
        }

        nuint gone = 0;
        foreach (nuint piece in _space.FreeDirtyBytes == 0 ? [] : _space.DiscardFree(staleOnly: false, most))
        {
            gone += piece;
            yield return piece;
        }

        if (gone < most)
        {
            yield return _small.DiscardSparse(most - gone);
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

    /// <summary>Pages have become free. If more is kept than may be, half of what may be is kept: so this is not done for every block that
    /// is freed.</summary>
    private void KeepWithinBounds()
    {
        // Most of the time nothing that is dirty could be too much, whatever of it is free.
        nuint kept = _space.DirtyBytes <= _retained ? 0 : CountFreeDirty();
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

    /// <summary>Gives the memory of free pages back.</summary>
    private nuint Discard(bool staleOnly, nuint? enough = null)
    {
        nuint discarded = 0;
        _ = TryGiveBack(_space.DiscardFree(staleOnly, enough), mayWait: true, ref discarded);
        return discarded;
    }

    /// <summary>Gives pieces back, with the gate held for one at a time: who wants figures, or the end, waits no longer.</summary>
    /// <param name="pieces">How many bytes each has.</param>
    /// <param name="mayWait">Whether it waits while others hold the gate. Who counts what is resident looks at all pages meanwhile.</param>
    /// <param name="gone">What goes back is added to it.</param>
    /// <returns>False if others held it, and it did not wait.</returns>
    private bool TryGiveBack(IEnumerable<nuint> pieces, bool mayWait, ref nuint gone)
    {
        using IEnumerator<nuint> steps = pieces.GetEnumerator();
        while (mayWait || _returning.TryEnter())
        {
            if (mayWait)
            {
                _returning.Enter();
            }

            try
            {
                if (_ended || !steps.MoveNext())
                {
                    return true;
                }

                gone += steps.Current;
            }
            finally
            {
                _returning.Exit();
            }
        }

        return false;
    }
}
