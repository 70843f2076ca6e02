using Vmem.Caching;
using Vmem.Checks;
using Vmem.Lifetimes;
using Vmem.Memory.Budget;

namespace Vmem.Memory.Window;

/// <summary>The address space that all heaps of the process share, and what stays true of it when one has left it and another
/// comes.</summary>
/// <remarks>
/// <para>
/// A heap takes <em>extents</em> from here, whole commit units (<see cref="CommitMap.Unit"/>), and gives them back: those that it does not
/// need any more, and all of them at its end. So a heap costs what it uses, and a process may have a hundred thousand. What is committed
/// and which pages are dirty goes with the address space: the next owner of a unit finds its pages mapped, and knows which are zero.
/// </para>
/// <para>
/// <b>How much.</b> An eighth of what the process may have, and at most 4 TiB: that is address space and no memory. Where
/// there is little (a limit such as ulimit -v, 39 bits), the window grows by an eighth of the rest when it is full, anywhere in the range
/// that its tables <em>cover</em>; but never so far that less than an eighth is left of what there was at first, for the runtime,
/// for malloc and for threads. So the way from an address to its entry is subtract, shift and load, however many parts there are.
/// </para>
/// <para>
/// Dirty pages that are nobody's stay for the next heap until an interval of the upkeep has passed and they were not needed. Beyond
/// <see cref="MostDirty"/> they go back at once. A heap for each request costs no page faults then.
/// </para>
/// <para>
/// Rejected: a reservation of 256 GiB for each heap. After 541 heaps a process had no address space left. Rejected: one arena of pages for
/// all heaps. All large blocks would go through one lock, and pages that a heap works with could go to another in between.
/// </para>
/// </remarks>
internal sealed unsafe class AddressWindow : IMemoryKeeper, IDisposable
{
    // What two million units need: more than any machine has memory. A table that is committed as a whole (Windows) is for less.
    private static readonly nuint s_most = nuint.Size == 4 ? (nuint)256 << 20 : (nuint)1 << (OperatingSystem.IsWindows() ? 38 : 42);

    private const nuint Least = 16 << 20;         // arbitrary, as the one below
    private const nuint MostDirty = 64 << 20;
    private const int Share = 8;

    private static AddressWindow? s_shared;
    private static object? s_sharedGate;

    private readonly Gate _gate = new();          // held while tables are committed and parts reserved
    private readonly WindowMemory _memory;
    private readonly TableKeeper _keeper;
    private readonly Arena<nuint> _extents;
    private readonly FreePages _free;
    private readonly nuint _spare;                // what growth leaves to others
    private long _freeDirty;                      // bytes of dirty pages that are nobody's
    private Upkeep? _upkeep;

    /// <param name="budget">What of it may take memory is counted there.</param>
    /// <exception cref="OutOfMemoryException">There is no address space, or no memory for its tables.</exception>
    public AddressWindow(MemoryBudget budget)
    {
        Budget = budget;
        nuint headroom = VirtualMemory.Headroom;
        _spare = nuint.Max(headroom / Share, Least);
        _memory = headroom / Share >= s_most
            ? WindowMemory.Reserve(s_most, cover: s_most)
            : WindowMemory.Reserve(nuint.Max(headroom / Share, Least), cover: headroom);
        _keeper = new TableKeeper(this, _memory);
        try
        {
            _extents = new Arena<nuint>("address window", CommitMap.Unit);
            _extents.AddSpan(_memory.First.Start, _memory.First.Size);
            _free = new FreePages(_extents, this);
        }
        catch
        {
            _extents?.Dispose();
            _keeper.End();
            throw;
        }
    }

    /// <summary>The one of all heaps, made when first asked for.</summary>
    /// <exception cref="OutOfMemoryException">It could not be made; the next to ask may be luckier.</exception>
    public static AddressWindow Shared =>
        LazyInitializer.EnsureInitialized(ref s_shared, ref s_sharedGate, static () => new AddressWindow(MemoryBudget.Default));

    /// <summary>Where what its tables cover starts.</summary>
    public nuint Start => _memory.Start;

    /// <summary>How much its tables cover: no extent is longer.</summary>
    public nuint Size => _memory.Size;

    /// <summary>How much address space it has reserved.</summary>
    public nuint Reserved => _memory.Reserved;

    /// <summary>How much of it is heaps'.</summary>
    public nuint InUse => _extents.GetStatistics().InUse;

    /// <summary>Bytes of dirty pages that are nobody's.</summary>
    public nuint FreeDirty => (nuint)Interlocked.Read(ref _freeDirty);

    /// <summary>Whoever hands pages out that are clean has them counted there; what goes back is taken off here.</summary>
    public MemoryBudget Budget { get; }

    nuint IMemoryKeeper.Kept => FreeDirty;

    public GranuleTable Table => _memory.Table;

    public BlockStates States => _memory.States;

    public DirtyPages Dirty => _memory.Dirty;

    public RunStates Runs => _memory.Runs;

    public CommitMap Commits => _memory.Commits;

    public MovedPages Moved { get; } = new();

    public Owners Owners { get; } = new();

    /// <summary>An extent, of whole commit units.</summary>
    /// <param name="size">In bytes.</param>
    /// <param name="alignment">A power of two.</param>
    /// <param name="start">Where it starts.</param>
    /// <param name="dirty">How many bytes of it are dirty.</param>
    public bool TryTake(nuint size, nuint alignment, out nuint start, out nuint dirty)
    {
        Invariant.Assert(size > 0 && size % CommitMap.Unit == 0, "an extent is whole commit units");
        dirty = 0;
        if (!TryTakeFree(size, alignment, out start))
        {
            using (_free.Hold())                  // what is being discarded is free all the same
            {
                using (_gate.EnterScope())
                {
                    if (!TryTakeFree(size, alignment, out start) && !(TryGrow(size, alignment) && TryTakeFree(size, alignment, out start)))
                    {
                        return false;
                    }
                }
            }
        }

        bool hasTables = false;
        try
        {
            using (_gate.EnterScope())
            {
                hasTables = Table.TryCommit(start, size) && Dirty.TryCommit(start, size) && Runs.TryCommit(start, size);
            }
        }
        finally
        {
            if (!hasTables)
            {
                _extents.Free(start, size);
            }
        }

        if (hasTables)
        {
            dirty = CountDirty(start, size);
            _ = Interlocked.Add(ref _freeDirty, -(long)dirty);
        }

        return hasTables;
    }

    /// <summary>Takes an extent back, with the memory in it.</summary>
    /// <returns>How many bytes of it are dirty.</returns>
    public nuint Release(nuint start, nuint size)
    {
        Table.Set(start, size, 0);
        nuint at = start;
        while (Commits.TryFindNext(ref at, start + size, out nuint first, out nuint length))
        {
            Runs.Forget(first, length);
        }

        nuint dirty = CountDirty(start, size);
        bool isCommitted = Commits.Count(start, size) > 0;
        long free = Interlocked.Add(ref _freeDirty, (long)dirty);
        _extents.Free(start, size);
        if (free > (long)MostDirty)
        {
            DiscardUnattended(staleOnly: false);
        }
        else if (isCommitted)
        {
            WakeUpkeep();                         // also for what was never touched: it counts with the system
        }

        return dirty;
    }

    /// <summary>Gives the memory of what is nobody's back to the system, or of those pages only that were nobody's when this was called
    /// last, too.</summary>
    public FreePages.Return Discard(bool staleOnly)
    {
        FreePages.Return gone = default;
        foreach (FreePages.Return piece in _free.DiscardByPiece(staleOnly))
        {
            _ = Interlocked.Add(ref _freeDirty, -(long)piece.Discarded);
            gone += piece;
        }

        return gone;
    }

    /// <summary>How many bytes of a range are dirty: only what is committed can be.</summary>
    public nuint CountDirty(nuint start, nuint size) =>
        Commits.PartOf(start, size) is (var first, var length and > 0) ? Dirty.Count(first, length) : 0;

    /// <summary>True if some pages of a range take memory, or it holds units that could be decommitted.</summary>
    public bool HasMemory(nuint start, nuint size) =>
        Dirty.Any(start, size) ||
            (CommitMap.TryWholeUnits(start, size, out nuint first, out nuint length) && Commits.Count(first, length) > 0);

    /// <summary>Gives the memory of pages back that nobody uses.</summary>
    /// <param name="start">Where they start.</param>
    /// <param name="size">In bytes.</param>
    /// <param name="staleOnly">Only of those that were free when this was asked last, too.</param>
    /// <param name="most">It ends when so many bytes have gone, and decommits nothing; null: with all.</param>
    public FreePages.Return Discard(nuint start, nuint size, bool staleOnly, nuint? most = null)
    {
        nuint first = 0;
        nuint length = 0;
        bool hasUnits = most is null && CommitMap.TryWholeUnits(start, size, out first, out length);
        FreePages.Return gone = hasUnits && !staleOnly ? Decommit(first, length) : default;
        nuint discarded = Dirty.Discard(start, size, staleOnly, most ?? nuint.MaxValue, Commits.Forget);
        Budget.Uncharge(discarded);
        gone += new FreePages.Return(discarded, 0);
        for (nuint unit = first; hasUnits && staleOnly && unit - first < length; unit += CommitMap.Unit)
        {
            gone += Dirty.Any(unit, CommitMap.Unit) ? default : Decommit(unit, CommitMap.Unit);
        }

        return gone;
    }

    /// <summary>Decommits units that nobody uses, as far as the system allows.</summary>
    public FreePages.Return Decommit(nuint start, nuint size)
    {
        FreePages.Return gone = default;
        nuint at = start;
        while (Commits.TryFindNext(ref at, start + size, out nuint first, out nuint length))
        {
            if (Commits.TryDecommit(first, length))
            {
                Moved.Forget(first, length);
                States.Forget(first, length);
                nuint forgotten = Dirty.Forget(first, length);
                Budget.Uncharge(forgotten);
                gone += new FreePages.Return(forgotten, length);
            }
        }

        return gone;
    }

    public void Validate() => _extents.Validate();

    /// <summary>Only for windows of which no extent is in use.</summary>
    public void Dispose()
    {
        _upkeep?.Dispose();
        _extents.Dispose();
        _keeper.End();
    }

    bool IUpkeepTarget.EndInterval()
    {
        DiscardUnattended(staleOnly: true);
        return FreeDirty > 0;
    }

    void IUpkeepTarget.RelievePressure() => DiscardUnattended(staleOnly: false);

    /// <summary>Where nobody would catch the exception, or something is done already: without memory to do it, it is left for later, and
    /// a window that has ended meanwhile has none.</summary>
    private void DiscardUnattended(bool staleOnly)
    {
        try
        {
            _ = Discard(staleOnly);
        }
        catch (Exception e) when (e is OutOfMemoryException or ObjectDisposedException)
        {
        }
    }

    /// <summary>False also if the arena's tables cannot grow: to callers that is one shortage like another.</summary>
    private bool TryTakeFree(nuint size, nuint alignment, out nuint start)
    {
        start = 0;
        try
        {
            return alignment <= CommitMap.Unit
                ? _extents.TryAllocate(size, out start)
                : _extents.TryAllocateConstrained(size, new RangeConstraints<nuint> { Align = alignment }, FitPolicy.InstantFit, out start);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>One part more; so long that an extent is in it wherever it lies, and a share of what there is if that is more.</summary>
    private bool TryGrow(nuint size, nuint alignment)
    {
        Invariant.Assert(_gate.IsHeldByCurrentThread, "one thread at a time makes the window grow");
        nuint needed = alignment <= CommitMap.Unit ? size : size + alignment;
        nuint headroom = VirtualMemory.Headroom;
        nuint wanted = nuint.Max(nuint.Max(needed, Least), headroom / Share & ~(CommitMap.Unit - 1));
        if (needed < size || headroom < _spare || needed > headroom - _spare ||
            !_memory.TryReserve(wanted, needed, out nuint start, out nuint got))
        {
            return false;
        }

        try
        {
            _extents.AddSpan(start, got, joinNeighbors: true);
            return true;
        }
        catch (OutOfMemoryException)
        {
            _memory.Release(start, got);
            return false;
        }
    }

    private void WakeUpkeep()
    {
        try
        {
            using (_gate.EnterScope())
            {
                _upkeep ??= Upkeep.Start(this, TimeProvider.System);
            }

            _upkeep.Wake();
        }
        catch (OutOfMemoryException)
        {
            // What is dirty goes with the next that comes.
        }
    }
}
