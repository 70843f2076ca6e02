using Vmem.Checks;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>A heap's extents of the address window: how long the next one is, what of all is committed and dirty, and that it is never
/// more than the heap's limit.</summary>
/// <remarks>
/// <para>
/// <b>How long.</b> The first extent is one unit: the units of a hundred thousand small heaps lie side by side, in few mappings. A heap
/// that needs more is not small, and its next extents are long, so that large blocks find room to grow behind them; one with a limit gets
/// all that it may have. Where the window has not so much, a half, a quarter and so on, but never less than is needed.
/// </para>
/// <para>A request for more than the budget of the process allows (<see cref="MemoryBudget"/>) is refused before anything is taken for
/// it.</para>
/// <para>An extent of a heap that wants huge pages, or that is debugged, goes back decommitted: the advice ends, and who still touches a
/// debugged heap's blocks is found out.</para>
/// </remarks>
internal sealed unsafe class HeapExtents : IArenaSource<nuint>, IDisposable
{
    private const nuint LeastLong = 64 << 20;     // address space only: arbitrary, as the one below
    private const nuint MostLong = 1 << 30;

    private readonly AddressWindow _window;
    private readonly Gate _gate = new();          // held while the extents become more
    private readonly SortedList<nuint, nuint> _extents = [];     // their sizes by start
    private readonly bool _isSealed;
    private readonly bool _isLimited;
    private long _taken;                          // bytes of extents, as far as the arena may use them
    private long _committed;
    private long _dirty;
    private long _inherited;                      // bytes of dirty pages that another heap left so
    private long _fresh;                          // bytes of the other dirty pages
    private long _decommitted;
    private int _refusals;

    public HeapExtents(AddressWindow window, string heap, nuint limit, bool huge, bool isSealed)
    {
        _window = window;
        IsHuge = huge;
        _isSealed = isSealed || huge;
        _isLimited = limit != 0 && limit < window.Size;
        Limit = _isLimited ? WholePages(limit) : window.Size;
        Owner = window.Owners.Take(heap);
    }

    /// <summary>The most that may be taken, in bytes.</summary>
    public nuint Limit { get; }

    /// <summary>The heap in the window's table.</summary>
    public uint Owner { get; }

    /// <summary>Whether huge pages are asked for.</summary>
    public bool IsHuge { get; }

    public nuint Committed => (nuint)Interlocked.Read(ref _committed);

    public nuint Dirty => (nuint)Interlocked.Read(ref _dirty);

    /// <summary>Bytes of pages that took memory for this heap: dirty ones, but for those that another heap had left so. Which page is
    /// whose is not known: of what is clean again, the others' pages are counted first.</summary>
    public nuint Fresh => (nuint)Math.Max(Interlocked.Read(ref _fresh), 0);

    /// <summary>Bytes of dirty pages that have gone back to the system, all together; also of those that are dirty still.</summary>
    public nuint Decommitted => (nuint)Interlocked.Read(ref _decommitted);

    /// <summary>True if there is none.</summary>
    public bool IsEmpty => Interlocked.Read(ref _taken) == 0;

    /// <summary>How often pages could not be committed: others may have memory to give back.</summary>
    public int Refusals => Volatile.Read(ref _refusals);

    nuint IArenaSource<nuint>.Quantum => HeapSpace.PageSize;

    /// <summary>How much address space a heap with this limit may use: that much, or what all have.</summary>
    public static nuint ReservedFor(AddressWindow window, nuint limit) =>
        limit != 0 && limit < window.Size ? WholePages(limit) : window.Reserved;

    /// <summary>Exchanges allocated pages for fresh ones, which are zero; they still count as dirty. False where the system would
    /// not.</summary>
    public static bool TryRenew(nuint start, nuint size)
    {
        try
        {
            VirtualMemory.Discard((void*)start, size);
            return true;
        }
        catch (OutOfMemoryException)              // on Windows only
        {
            return false;
        }
    }

    /// <summary>Makes allocated pages readable and writable, and has those that are clean counted by the budget: they are to be marked
    /// (<see cref="Mark"/>). False if the budget or the system refuses: then what was granted has gone
    /// back, but for a unit at either end, which others may have begun to use.</summary>
    public bool TryCommit(nuint start, nuint size)
    {
        nuint clean = size - _window.CountDirty(start, size);
        if (clean > 0 && !_window.Budget.TryCharge(clean))
        {
            _ = Interlocked.Increment(ref _refusals);
            return false;
        }

        bool isCommitted = false;
        nuint fresh = 0;
        try
        {
            isCommitted = _window.Commits.TryCommit(start, size, IsHuge, out fresh);
        }
        finally
        {
            if (!isCommitted)
            {
                _window.Budget.Uncharge(clean);
            }
        }

        _ = Interlocked.Add(ref _committed, (long)fresh);
        if (!isCommitted)
        {
            _ = Interlocked.Increment(ref _refusals);
            if (fresh > 0)
            {
                Note(_window.Discard(start, size, staleOnly: false));
            }
        }

        return isCommitted;
    }

    /// <summary>Notes that committed pages are in use. True if all of them are zero.</summary>
    public bool Mark(nuint start, nuint size, bool clear)
    {
        bool isZero = _window.Dirty.Mark(start, size, clear, out nuint fresh);
        if (fresh > 0)
        {
            _ = Interlocked.Add(ref _dirty, (long)fresh);
            _ = Interlocked.Add(ref _fresh, (long)fresh);
        }

        return isZero;
    }

    /// <summary>Notes what went back to the system.</summary>
    public void Note(FreePages.Return gone)
    {
        NoteClean(gone.Discarded);
        _ = Interlocked.Add(ref _decommitted, (long)gone.Discarded);
        _ = Interlocked.Add(ref _committed, -(long)gone.Decommitted);
    }

    /// <summary>Notes that pages are clean again, or another's.</summary>
    public void NoteClean(nuint size)
    {
        _ = Interlocked.Add(ref _dirty, -(long)size);
        long inherited = Interlocked.Read(ref _inherited);
        for (long seen; inherited > 0; inherited = seen)
        {
            long taken = Math.Min(inherited, (long)size);
            seen = Interlocked.CompareExchange(ref _inherited, inherited - taken, inherited);
            if (seen == inherited)
            {
                size -= (nuint)taken;
                break;
            }
        }

        long fresh = Interlocked.Add(ref _fresh, -(long)size);
        Invariant.Assert(fresh >= 0, "a dirty page was another heap's, or was counted as fresh");
    }

    /// <inheritdoc cref="HeapSpace.NoteDiscarded"/>
    public void NoteDiscarded(nuint size) => Interlocked.Add(ref _decommitted, (long)size);

    /// <summary>Another heap begins, without any extent.</summary>
    public void Restart() => Interlocked.Exchange(ref _decommitted, 0);

    /// <summary>Bytes that take memory now. O(committed pages); the gate is held for one extent's list entry at a time.</summary>
    public nuint CountResident()
    {
        nuint resident = 0;
        for (int i = 0; TryGetExtent(i, out nuint at, out nuint end); i++)
        {
            while (_window.Commits.TryFindNext(ref at, end, out nuint start, out nuint size))
            {
                resident += VirtualMemory.GetResident((void*)start, size);
            }
        }

        return resident;
    }

    bool IArenaSource<nuint>.TryImport(nuint size, in RangeConstraints<nuint> constraints, out nuint start, out nuint imported)
    {
        start = 0;
        imported = 0;
        nuint alignment = constraints.Align;
        if (constraints with { Align = 0 } != default)
        {
            return false;                         // a certain place is asked for only in what is there already
        }

        using (_gate.EnterScope())
        {
            nuint room = Limit - (nuint)_taken;
            if (size > room || size > _window.Budget.Limit)
            {
                return false;
            }

            if (_extents.Count == _extents.Capacity)
            {
                _extents.Capacity = Math.Max(4, 2 * _extents.Count);      // what throws has taken nothing
            }

            for (nuint length = LengthFor(size, room); ; length = nuint.Max(length / 2 & ~(CommitMap.Unit - 1), size))
            {
                nuint whole = CommitMap.RoundUp(length);
                if (whole >= length && _window.TryTake(whole, alignment, out start, out nuint dirty))
                {
                    _window.Table.Set(start, whole, Owner << GranuleTable.OwnerShift);
                    imported = nuint.Min(whole, room);
                    _taken += (long)imported;
                    _extents.Add(start, whole);
                    _ = Interlocked.Add(ref _dirty, (long)dirty);
                    _ = Interlocked.Add(ref _inherited, (long)dirty);
                    _ = Interlocked.Add(ref _committed, (long)_window.Commits.Count(start, whole));
                    return true;
                }

                if (length == size)
                {
                    return false;
                }
            }
        }
    }

    void IArenaSource<nuint>.Release(nuint start, nuint size)
    {
        nuint whole = CommitMap.RoundUp(size);
        if (_isSealed && !TryReopen(start, whole))
        {
            return;                               // nobody can have pages that cannot be touched
        }

        _ = Interlocked.Add(ref _committed, -(long)_window.Commits.Count(start, whole));
        using (_gate.EnterScope())
        {
            _taken -= (long)size;
            _ = _extents.Remove(start);           // before it goes: another call may have it again at once, for this heap
        }

        NoteClean(_window.Release(start, whole));
    }

    /// <summary>When all extents have gone back.</summary>
    public void Dispose() => _window.Owners.Leave(Owner);

    /// <summary>Decommits an extent. Where the system does not, its pages are made accessible again: some may be guard pages.</summary>
    private bool TryReopen(nuint start, nuint size)
    {
        Note(_window.Decommit(start, size));
        nuint at = start;
        try
        {
            while (_window.Commits.TryFindNext(ref at, start + size, out nuint first, out nuint length))
            {
                VirtualMemory.Unprotect((void*)first, length);
            }

            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private bool TryGetExtent(int index, out nuint start, out nuint end)
    {
        using (_gate.EnterScope())
        {
            bool isThere = index < _extents.Count;
            start = isThere ? _extents.GetKeyAtIndex(index) : 0;
            end = isThere ? start + _extents.GetValueAtIndex(index) : 0;
            return isThere;
        }
    }

    private static nuint WholePages(nuint limit) => nuint.Max(limit & ~(HeapSpace.PageSize - 1), HeapSpace.PageSize);

    private nuint LengthFor(nuint size, nuint room) =>
        _taken == 0 && size <= HeapSpace.Granule ? nuint.Max(nuint.Min(CommitMap.Unit, room), size)
        : _isLimited && room <= MostLong ? room
        : nuint.Max(size, nuint.Min(nuint.Clamp((nuint)_taken, LeastLong, MostLong), room));
}
