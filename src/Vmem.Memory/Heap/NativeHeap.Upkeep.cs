using Vmem.Caching;
using Vmem.Memory.Heap;

namespace Vmem.Memory;

// What the heap gives back, and what can be asked of it.
public sealed unsafe partial class NativeHeap
{
    private readonly Lock _returning = new();     // held while memory goes back: what is on the way is nobody's, and the heap must not end
    private InvalidFreeException? _wrongFree;     // found where nobody was to be told

    /// <summary>Gives all that is kept in reserve back to the system: magazines go to their slabs, whole slabs to the pages, and the memory of
    /// free pages is discarded. With debugging, the quarantine is given up first. O(what is kept).</summary>
    /// <exception cref="InvariantViolationException">With debugging only: a freed block was written. What was freed after it is kept, and a second
    /// call goes on.</exception>
    /// <returns>How many bytes were given back.</returns>
    /// <exception cref="InvalidFreeException">A small block was freed wrongly some time before: twice, or at an address inside it. All else was
    /// given back.</exception>
    public nuint Trim()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        _debugger?.ReleaseQuarantine();
        nuint trimmed = TrimPlain(discard: true);
        return Interlocked.Exchange(ref _wrongFree, null) is { } wrongFree ? throw wrongFree : trimmed;
    }

    /// <param name="discard">Whether the memory of free pages goes back, too. A request that finds no pages is not served by that.</param>
    /// <returns>How many bytes were given back.</returns>
    private nuint TrimPlain(bool discard)
    {
        using Lock.Scope returning = _returning.EnterScope();
        if (Volatile.Read(ref _disposed) != 0)
        {
            return 0;
        }

        EmptyMagazines(idleOnly: false);
        foreach (SlabClass slabs in _slabs.AsSpan(1))
        {
            NoteWrong(slabs.Trim());
        }

        _firstBlocks?.Trim();
        return discard ? _space.DiscardFree(staleOnly: false) : 0;
    }

    /// <summary>Figures of the heap. Threads at work stand still for a moment. O(classes × threads that have used the heap).</summary>
    /// <exception cref="ObjectDisposedException">The heap has ended.</exception>
    public NativeHeapStatistics GetStatistics()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        NativeHeapStatistics figures;
        lock (_returning)
        {
            figures = Count();
        }

        ObjectDisposedException.ThrowIf(!TryCorrect(ref figures), this);
        return figures;
    }

    /// <summary>The plain heap's figures, as the heap's users see them; false if it has ended. Not to be called while memory goes back: who
    /// allocates with debugging holds the debugger's lock, and may trim.</summary>
    private bool TryCorrect(ref NativeHeapStatistics figures)
    {
        bool isThere = _debugger is null || _debugger.TryCorrect(ref figures);
        figures = figures with { Frees = figures.Allocations - figures.LiveBlocks };
        return isThere;
    }

    /// <summary>Figures of the plain heap. Nothing is on its way back meanwhile.</summary>
    private NativeHeapStatistics Count()
    {
        nuint cached = 0;
        nuint held = (nuint)Interlocked.Read(ref _largeBytes);
        nuint inUse = held;
        long slabCount = 0;
        long allocations = Interlocked.Read(ref _otherAllocations);
        long live = Interlocked.Read(ref _largeBlocks);
        _magazines.Claim();
        try
        {
            for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
            {
                (long slabs, nuint bytes, long blocksOut, int inDepot) = _slabs[sizeClass].Count();
                (long inMagazines, long taken) = _magazines.Count(sizeClass);
                long ready = inMagazines + inDepot;
                nuint size = (nuint)SizeClasses.SizeOf(sizeClass);
                slabCount += slabs;
                held += bytes;
                cached += (nuint)ready * size;
                long withUsers = Math.Max(blocksOut - ready, 0);      // what was freed twice is in two places
                inUse += (nuint)withUsers * size;
                live += withUsers;
                allocations += taken;
            }
        }
        finally
        {
            _magazines.Release();
        }

        if (_firstBlocks is not null)
        {
            ArenaStatistics<nuint> first = _firstBlocks.Statistics;
            held += first.TotalSize;
            inUse += first.InUse;
            live += first.LiveSegments;
            allocations += first.Allocations;
        }

        return new NativeHeapStatistics
        {
            Reserved = _space.Size,
            Committed = _space.CommittedBytes,
            Held = held,
            InUse = inUse,
            Cached = cached,
            LiveBlocks = live,
            Slabs = slabCount,
            LargeBlocks = Interlocked.Read(ref _largeBlocks),
            Allocations = allocations,
            Failures = Interlocked.Read(ref _failures),
        };
    }

    /// <summary>Checks every invariant of the heap's own tables, O(blocks). Threads at work stand still meanwhile.</summary>
    /// <exception cref="InvariantViolationException">One does not hold; the message says which.</exception>
    public void Validate()
    {
        lock (_returning)
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
            ValidatePlain();
        }

        _debugger?.Validate();
    }

    private void ValidatePlain()
    {
        var items = new List<nuint>();
        _magazines.Claim();
        try
        {
            for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
            {
                items.Clear();
                _magazines.CopyTo(sizeClass, items);
                _slabs[sizeClass].Validate(items);
            }

            _firstBlocks?.Validate();
            _space.Validate();
        }
        finally
        {
            _magazines.Release();
        }
    }

    /// <summary>Without memory to do it, what was to go back goes at the end of another interval: on the timer's thread nobody would catch
    /// it.</summary>
    void IUpkeepTarget.EndInterval()
    {
        try
        {
            EndInterval();
        }
        catch (OutOfMemoryException)
        {
        }
    }

    void IUpkeepTarget.RelievePressure()
    {
        try
        {
            _ = ReservationPool.Shared.ReleaseAll();
            _ = TrimPlain(discard: true);
        }
        catch (OutOfMemoryException)
        {
        }
    }

    private void EndInterval()
    {
        using Lock.Scope returning = _returning.EnterScope();
        if (Volatile.Read(ref _disposed) != 0)
        {
            return;
        }

        EmptyMagazines(idleOnly: true);
        foreach (SlabClass slabs in _slabs.AsSpan(1))
        {
            NoteWrong(slabs.Tick());
        }

        _firstBlocks?.Trim();
        _ = _space.DiscardFree(staleOnly: true);
    }

    /// <summary>No upkeep is at work and no collector reads any more, once this returns.</summary>
    private bool EndUpkeep()
    {
        _upkeep.Dispose();
        lock (_returning)
        {
            return true;                          // whoever comes now finds the heap disposed of
        }
    }

    /// <summary>What lies in the magazines of all threads, or of those that seem idle, goes to depots and slabs.</summary>
    private void EmptyMagazines(bool idleOnly)
    {
        _magazines.Claim();
        try
        {
            foreach (SlabClass slabs in _slabs.AsSpan(1))
            {
                NoteWrong(_magazines.Drain(slabs, idleOnly));
            }
        }
        finally
        {
            _magazines.Release();
        }
    }

    /// <summary>A block that was freed wrongly keeps no other from its slab, and is no business of whoever comes upon it; the next to call
    /// <see cref="Trim"/> is told.</summary>
    private void NoteWrong(nuint block)
    {
        if (block != 0)
        {
            _wrongFree ??= new InvalidFreeException(InvalidFreeReason.AlreadyFree, block, 0,
                $"0x{block:x} had been freed while it was no live block: twice, or at an address inside one. NativeHeapOptions.Debugging finds by whom.");
        }
    }
}
