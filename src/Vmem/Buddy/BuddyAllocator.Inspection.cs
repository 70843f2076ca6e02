using Vmem.Buddy;
using Vmem.Diagnostics;
using Vmem.Listing;

namespace Vmem;

// Looking at an allocator: whose block, how large, how much.
public sealed partial class BuddyAllocator<T>
{
    /// <summary>How many blocks an enumeration copies under one lock. Arbitrary: some microseconds.</summary>
    private const int EnumerationBatch = 256;

    /// <summary>Whether a value belongs to any block, allocated or free. What is too small for a block at the end of the range does
    /// not.</summary>
    /// <param name="value">Any value.</param>
    /// <returns>Whether it does.</returns>
    /// <remarks>O(1), without the lock.</remarks>
    public bool Contains(T value) => IsUsable(value);

    /// <summary>Whether a value belongs to an allocated block.</summary>
    /// <param name="value">Any value.</param>
    /// <returns>Whether it does.</returns>
    /// <remarks>A step for each level up to the block's: at most seven.</remarks>
    public bool IsAllocated(T value) => TryGetFragment(value, out BuddyFragment<T> fragment) && fragment.IsAllocated;

    /// <summary>The size of an allocated block: the request that it was allocated for, rounded up.</summary>
    /// <param name="start">The first value of the block.</param>
    /// <returns>The size, a power of two.</returns>
    /// <exception cref="InvalidFreeException">No allocated block starts there. Its reason says what does.</exception>
    /// <remarks>A step for each level up to the block's: at most seven.</remarks>
    public T GetBlockSize(T start)
    {
        Enter();
        try
        {
            CheckLive(start, "tell the size of the block");
            return AmountOf(1L << _tree.OrderOf(UnitOf(start)));
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The buddy of the block, allocated or free, that starts with a value: the block's start with the bit of its size inverted,
    /// counted from <see cref="Start"/>.</summary>
    /// <param name="start">The first value of a block.</param>
    /// <param name="buddy">The first value of its buddy, which may be one block, or divided further.</param>
    /// <returns>False if no block starts there, or if the block has no buddy: it is of the largest size, or the buddy would reach beyond
    /// the range.</returns>
    public bool TryGetBuddy(T start, out T buddy)
    {
        buddy = T.Zero;
        if (!IsUsable(start))
        {
            return false;
        }

        Enter();
        BuddyFragment<T> fragment = FragmentAt(UnitOf(start), out int order);
        Exit();
        long unit = UnitOf(start) ^ (1L << order);
        if (fragment.Start != start || order >= _tree.MaxOrder || unit + (1L << order) > _tree.Units)
        {
            return false;
        }

        buddy = ValueOf(unit);
        return true;
    }

    /// <summary>The block, allocated or free, that holds a value.</summary>
    /// <param name="value">Any value.</param>
    /// <param name="fragment">The block, and its owner.</param>
    /// <returns>False if the value belongs to no block.</returns>
    /// <remarks>A step for each level up to the block's: at most seven.</remarks>
    public bool TryGetFragment(T value, out BuddyFragment<T> fragment)
    {
        fragment = default;
        if (!IsUsable(value))
        {
            return false;
        }

        Enter();
        fragment = FragmentAt(UnitOf(value), out _);
        Exit();
        return true;
    }

    /// <summary>All blocks, allocated and free, in address order.</summary>
    /// <returns>The blocks. They are copied in batches: the enumeration holds no lock while the caller looks at them.</returns>
    /// <remarks>Safe while others allocate: each value is reported exactly once, a batch shows one moment, and what does not change during
    /// the enumeration is reported exactly as it is. A block that coalesced across the end of a batch is reported from there on.</remarks>
    public IEnumerable<BuddyFragment<T>> GetFragments()
    {
        var batch = new BuddyFragment<T>[EnumerationBatch];
        for (long unit = 0; unit < _tree.Units;)
        {
            int count = 0;
            Enter();
            while (count < batch.Length && unit < _tree.Units)
            {
                T from = ValueOf(unit);
                BuddyFragment<T> fragment = FragmentAt(unit, out int order);
                batch[count++] = fragment with { Start = from, Size = fragment.Size - (from - fragment.Start) };
                unit = (unit | ((1L << order) - 1)) + 1;
            }

            Exit();
            for (int i = 0; i < count; i++)
            {
                yield return batch[i];
            }
        }
    }

    /// <summary>What the allocator holds and has done, exact at the time of the call.</summary>
    /// <returns>The figures.</returns>
    /// <remarks>O(1).</remarks>
    public BuddyStatistics<T> GetStatistics()
    {
        Enter();
        int largest = _tree.LargestFreeOrder;
        long inUse = _tree.Units - _tree.FreeUnits;
        double granted = _unitsGranted * double.CreateTruncating(MinBlock);
        var statistics = new BuddyStatistics<T>
        {
            TotalSize = Size,
            InUse = AmountOf(inUse),
            Free = AmountOf(_tree.FreeUnits),
            Unusable = _sizeLess1 - _lastUsable,
            LargestFree = largest < 0 ? T.Zero : AmountOf(1L << largest),
            PeakInUse = AmountOf(_tree.Units - _leastFree),
            Allocations = _allocations,
            Frees = _allocations - _tree.LiveBlocks,
            Failures = _failures,
            LiveBlocks = _tree.LiveBlocks,
            FreeBlocks = _tree.FreeBlocks,
            BookkeepingBytes = _tree.BookkeepingBytes,
            InternalWaste = _allocations == 0 ? 0 : 1 - (_valuesRequested / granted),
            LiveInternalWaste = _audit is null ? null : LiveWaste(inUse),
        };
        Exit();
        return statistics;
    }

    /// <inheritdoc/>
    BuddyView IListed<BuddyView>.View => new BuddyView<T>(this, _metered);

    /// <inheritdoc/>
    /// <remarks>A single-threaded allocator is read while it works: see <see cref="ArenaMetrics"/>.</remarks>
    bool IMetered.TryRead(int figure, out long value)
    {
        BuddyStatistics<T> figures = GetStatistics();
        value = (BuddyFigure)figure switch
        {
            BuddyFigure.Size => long.CreateSaturating(figures.TotalSize),
            BuddyFigure.InUse => long.CreateSaturating(figures.InUse),
            BuddyFigure.Free => long.CreateSaturating(figures.Free),
            BuddyFigure.LargestFree => long.CreateSaturating(figures.LargestFree),
            BuddyFigure.Fragmentation => (long)(figures.ExternalWaste * 1e6),
            BuddyFigure.Peak => long.CreateSaturating(figures.PeakInUse),
            BuddyFigure.Blocks => figures.LiveBlocks,
            BuddyFigure.Allocations => figures.Allocations,
            BuddyFigure.Frees => figures.Frees,
            _ => figures.Failures,
        };
        return true;
    }

    private double LiveWaste(long unitsInUse)
    {
        UInt128 requested = _audit!.Requested;
        return requested == 0 ? 0 : 1 - ((double)requested / (unitsInUse * double.CreateTruncating(MinBlock)));
    }

    /// <summary>The block that holds a unit, which exists. The lock is held.</summary>
    private BuddyFragment<T> FragmentAt(long unit, out int order)
    {
        AssertEntered();
        _tree.TryFind(unit, out long start, out order, out bool isFree);
        return new BuddyFragment<T>(this, ValueOf(start), AmountOf(1L << order), !isFree);
    }
}
