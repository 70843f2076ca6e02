using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>A heap's pages: an arena over its extents of the address window.</summary>
internal sealed partial class HeapSpace : IDisposable
{
    /// <summary>What slabs are aligned to and made of.</summary>
    public const int GranuleShift = GranuleTable.GranuleShift;

    public const nuint Granule = GranuleTable.Granule;

    // From here on a zeroed block has fresh pages instead of cleared ones, as a C library maps such blocks afresh: what is not touched
    // takes no memory then. A page fault takes two to three times as long as clearing the page.
    private const nuint LeastFresh = 32 << 20;

    private readonly AddressWindow _window;
    private readonly HeapExtents _extents;
    private readonly Arena<nuint> _pages;
    private readonly FreePages _free;
    private readonly Gate _placing = new();       // held while pages are taken only to see how they lie

    /// <param name="window">Where its extents come from.</param>
    /// <param name="heap">Whose it is.</param>
    /// <param name="limit">The most that it may ever hold; 0: no limit.</param>
    /// <param name="huge">Whether huge pages are asked for.</param>
    /// <param name="isSealed">Whether pages that the heap has given up must not be touched until another heap has them.</param>
    public HeapSpace(AddressWindow window, string heap, nuint limit, bool huge, bool isSealed = false)
    {
        _window = window;
        _extents = new HeapExtents(window, heap, limit, huge, isSealed);
        try
        {
            _pages = new Arena<nuint>($"{heap}: pages", PageSize,
                new ArenaOptions<nuint> { Source = _extents, SharesSource = false, RetainedImport = nuint.MaxValue });
            _free = new FreePages(_pages, window);
        }
        catch
        {
            _pages?.Dispose();
            _extents.Dispose();
            throw;
        }
    }

    public static nuint PageSize => VirtualMemory.PageSize;

    /// <summary>The most that it may ever hold.</summary>
    public nuint Size => _extents.Limit;

    /// <inheritdoc cref="HeapExtents.IsHuge"/>
    public bool IsHuge => _extents.IsHuge;

    /// <summary>Who it is in the window's table.</summary>
    public uint Owner => _extents.Owner;

    /// <summary>Which small blocks are with users.</summary>
    public BlockStates States => _window.States;

    /// <summary>Which page runs are with users.</summary>
    public RunStates Runs => _window.Runs;

    /// <summary>What has been moved without a copy.</summary>
    public MovedPages Moved => _window.Moved;

    /// <summary>Whose which granules are.</summary>
    public GranuleTable Table => _window.Table;

    public nuint CommittedBytes => _extents.Committed;

    /// <summary>Bytes of pages that may have memory.</summary>
    public nuint DirtyBytes => _extents.Dirty;

    /// <inheritdoc cref="HeapExtents.Fresh"/>
    public nuint FreshBytes => _extents.Fresh;

    /// <inheritdoc cref="HeapExtents.Decommitted"/>
    public nuint DecommittedBytes => _extents.Decommitted;

    /// <summary>Bytes of free pages that may have memory.</summary>
    public nuint FreeDirtyBytes =>
        _extents.Dirty is var dirty && HeldBytes is var used && dirty > used ? dirty - used : 0;

    /// <summary>Bytes of pages that are not free.</summary>
    public nuint HeldBytes => _pages.GetStatistics().InUse;

    /// <summary>True if no page of it takes memory.</summary>
    public bool IsClean => _extents.Dirty == 0;

    /// <summary>True if it has no extent.</summary>
    public bool IsEmpty => _extents.IsEmpty;

    /// <inheritdoc cref="HeapExtents.Refusals"/>
    public int Refusals => _extents.Refusals;

    /// <summary>What of all heaps may take memory is counted there.</summary>
    public MemoryBudget Budget => _window.Budget;

    /// <summary>Bytes that take memory now. O(committed pages).</summary>
    public nuint CountResident() => _extents.CountResident();

    public static nuint RoundUp(nuint size) => (size + PageSize - 1) & ~(PageSize - 1);

    /// <summary>Whether its extents come from this window.</summary>
    public bool IsOf(AddressWindow window) => _window == window;

    /// <summary>True if the address is in one of its extents.</summary>
    public bool Reserves(nuint address) => _window.Table.EntryAt(address) >> GranuleTable.OwnerShift == Owner;

    /// <summary>Which other heap's an address is; null if it is none's, or this one's.</summary>
    public string? OtherOwnerOf(nuint address) =>
        Reserves(address) ? null : _window.Owners.NameOf(_window.Table.EntryAt(address) >> GranuleTable.OwnerShift);

    /// <summary>The class of the slab that an address of this heap's is in, or what stands for one; 0 if neither is there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ClassAt(nuint address)
    {
        uint entry = _window.Table.EntryAt(address);
        return entry >> GranuleTable.OwnerShift == Owner ? (byte)entry : 0;
    }

    /// <summary>What page run starts at an address (<see cref="RunStates"/>); 0 also where slabs or others are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte RunAt(nuint address) =>
        _window.Table.EntryAt(address) == Owner << GranuleTable.OwnerShift ? _window.Runs.At(address) : (byte)0;

    /// <summary>The slab of a class that an address of this heap's is in; null if it is in none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe Slab* SlabAt(nuint address, int sizeClass) => (Slab*)RecordAt(address, sizeClass);

    /// <summary>The record of what stands for a class where an address of this heap's is; null if that is something else.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void* RecordAt(nuint address, int sizeClass) =>
        _window.Table.EntryAt(address) == ((Owner << GranuleTable.OwnerShift) | (uint)sizeClass) ? _window.Table.RecordAt(address) : null;

    /// <summary>Notes that there is nothing any more in whole granules.</summary>
    public unsafe void ForgetRecord(nuint start, nuint size) => SetRecord(start, size, sizeClass: 0, null);

    /// <summary>Notes what stands for a class in whole granules of allocated pages.</summary>
    public unsafe void SetRecord(nuint start, nuint size, int sizeClass, void* record) =>
        _window.Table.Set(start, size, (Owner << GranuleTable.OwnerShift) | (uint)sizeClass, record);

    /// <summary>Pages, readable and writable; the size is a multiple of the page size.</summary>
    /// <param name="size">In bytes.</param>
    /// <param name="alignment">A power of two.</param>
    /// <param name="clear">Zeroes those that are not zero.</param>
    /// <param name="start">Where they begin.</param>
    /// <param name="isZero">True if all of them are zero.</param>
    public bool TryAllocate(nuint size, nuint alignment, bool clear, out nuint start, out bool isZero)
    {
        isZero = false;
        bool isCommitted = TryPlace(size, alignment, out start);
        if (isCommitted && clear && size >= LeastFresh && _window.Dirty.Any(start, size))
        {
            isZero = HeapExtents.TryRenew(start, size);
            clear = !isZero;
        }

        isZero = isCommitted && (_extents.Mark(start, size, clear) || isZero);
        return isCommitted;
    }

    /// <summary>Pages of a slab, readable and writable.</summary>
    /// <param name="size">In bytes: at most 64 pages.</param>
    /// <param name="start">Where they begin, at a granule.</param>
    /// <param name="clean">The bits of those that have no memory.</param>
    public bool TryAllocateSlab(nuint size, out nuint start, out ulong clean)
    {
        bool isCommitted = TryPlace(size, Granule, out start);
        clean = isCommitted ? _window.Dirty.CleanOf(start, size) : 0;
        _ = isCommitted && _extents.Mark(start, size, clear: false);
        return isCommitted;
    }

    public void Free(nuint start, nuint size)
    {
        Invariant.Assert((start & (PageSize - 1)) == 0 && (size & (PageSize - 1)) == 0, "whole pages come back");
        _pages.Free(start, size);
    }

    /// <summary>How long the pages are that were allocated at an address; 0 if none were.</summary>
    public nuint SizeAt(nuint start) => TryFind(start, out Segment<nuint> found) && found.Start == start ? found.Size : 0;

    /// <inheritdoc cref="FreePages.TryFind"/>
    public bool TryFind(nuint address, out Segment<nuint> segment)
    {
        segment = default;
        return Reserves(address) && _free.TryFind(address, out segment);
    }

    /// <summary>Gives the memory of free pages back to the system, a piece with each step.</summary>
    /// <param name="staleOnly">Whether only those go back that were free at the last call, too.</param>
    /// <param name="enough">It ends when so many bytes have gone; null: with all.</param>
    /// <returns>How many bytes of each piece were dirty.</returns>
    public IEnumerable<nuint> DiscardFree(bool staleOnly, nuint? enough = null)
    {
        foreach (FreePages.Return gone in _free.DiscardByPiece(staleOnly, enough))
        {
            _extents.Note(gone);
            yield return gone.Discarded;
        }
    }

    /// <summary>Gives extents of which nothing is allocated back to the window.</summary>
    public void ReleaseEmpty() => _ = _pages.Reap();

    /// <summary>Another heap begins, without any page.</summary>
    public void Restart() => _extents.Restart();

    public void Validate() => _pages.Validate();

    /// <summary>Ends the use of all pages, and gives the extents back. Who still asks for pages here finds the arena disposed of.</summary>
    public void Dispose()
    {
        _pages.Dispose();
        _extents.Dispose();
    }

    /// <summary>Finds pages and commits them; nothing is noted of what is in them.</summary>
    private bool TryPlace(nuint size, nuint alignment, out nuint start)
    {
        Invariant.Assert(size > 0 && (size & (PageSize - 1)) == 0 && nuint.IsPow2(alignment), "whole pages are asked for");
        if (!TryAllocatePages(size, alignment, out start))
        {
            // What is being discarded, or looked at, is free all the same: it is waited for.
            using (_free.Hold())
            {
                using (_placing.EnterScope())
                {
                    if (!TryAllocatePages(size, alignment, out start))
                    {
                        return false;
                    }
                }
            }
        }

        Invariant.Assert((start & (alignment - 1)) == 0 && Reserves(start) && Reserves(start + size - 1), "pages lie in the heap's extents, aligned as asked");
        bool isCommitted = false;
        try
        {
            isCommitted = _extents.TryCommit(start, size);
        }
        finally
        {
            if (!isCommitted)
            {
                _pages.Free(start, size);
            }
        }

        return isCommitted;
    }

    /// <summary>False also if the arena's tables cannot grow: to callers that is one shortage like another.</summary>
    /// <remarks>
    /// What slabs leave behind is aligned as they are. So pages are asked for without the alignment first, and if they happen to have it,
    /// as they mostly do, that is the best fit. Instant fit with a constraint takes a segment that fits however it lies, which is longer:
    /// memory that has been used lay idle, and fresh memory was taken instead (1.4 MB more for sqlite's recording). Rejected: best fit,
    /// which would find it too, but for whose index everybody pays who
    /// takes or frees pages.
    /// </remarks>
    private bool TryAllocatePages(nuint size, nuint alignment, out nuint start)
    {
        try
        {
            if (alignment <= PageSize)
            {
                return _pages.TryAllocate(size, out start);
            }

            using (_placing.EnterScope())
            {
                if (!_pages.TryAllocate(size, out start) || (start & (alignment - 1)) == 0)
                {
                    return start != 0;
                }

                _pages.Free(start, size);
                return _pages.TryAllocateConstrained(size, new RangeConstraints<nuint> { Align = alignment }, FitPolicy.InstantFit,
                    out start);
            }
        }
        catch (OutOfMemoryException)
        {
            start = 0;
            return false;
        }
    }
}
