using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Buddy;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Listing;

namespace Vmem;

/// <summary>
/// A range of integers, handed out in blocks whose sizes are powers of two: the buddy system (Knowlton, "A fast storage allocator",
/// CACM 1965).
/// </summary>
/// <remarks>
/// <para>
/// The range is cut into the largest blocks that fit, going down by powers of two from <see cref="MaxBlock"/>; what is smaller than
/// <see cref="MinBlock"/> at its end is not used. A request is rounded up to a power of two. It takes the smallest free block that is large
/// enough, of these the one at the lowest address, and halves it until it fits. A block that comes back is put together with its
/// <em>buddy</em>, the other half of what it was cut from, if that is free, and so on. The buddy of a block of size s at offset o from
/// <see cref="Start"/> is at offset <c>o XOR s</c>.
/// </para>
/// <para>
/// Against <see cref="Arena{T}"/>: a free needs no size; every block is aligned (from <see cref="Start"/>) to its size; the bookkeeping is
/// at most 2 bits for each block of the minimum size, whatever is allocated, and all of it is there from the beginning. The price is waste
/// inside blocks: a quarter of what is granted, if all sizes are equally likely.
/// </para>
/// <para>
/// Allocating and freeing take a step for each level of 64-fold size that a block is cut down or coalesced through, at most seven, and some
/// in the index of the orders passed; no list is walked. Neither allocates managed memory, unless the allocator is audited. It may be used
/// by several threads at once, unless
/// <see cref="BuddyAllocatorOptions.SingleThreaded"/> is set. It has nothing to dispose of: one that was dropped leaves
/// the list of the process (<see cref="VmemProcess.Buddies"/>) when it has been collected.
/// </para>
/// </remarks>
/// <typeparam name="T">The integer type: <c>byte</c>, <c>ushort</c>, <c>uint</c>, <c>ulong</c>, <c>nuint</c> or <c>UInt128</c>.</typeparam>
[DebuggerDisplay("{Name,nq}: {Size} from {Start}, in blocks of {MinBlock} to {MaxBlock}")]
public sealed partial class BuddyAllocator<T> : IArenaSource<T>, IListed<BuddyView>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
#if DEBUG
    private const bool AlwaysChecksKeys = true;
#else
    private const bool AlwaysChecksKeys = false;
#endif

    private readonly BuddyTree _tree;
    private readonly BuddyAudit<T>? _audit;
    private readonly MeteredEntry _metered;
    private readonly T _sizeLess1;                // the size of all values of the type is no T
    private readonly T _lastUsable;               // offset of the last value that belongs to a block
    private readonly int _unitShift;
    private readonly bool _shared;
    private bool _watchesFrees;                   // a free looks at more than its block
    private ArenaLock _lock;

    /// <summary>Makes an allocator over a range; all of it is free.</summary>
    /// <param name="start">The first value of the range: any.</param>
    /// <param name="size">The number of values, at least <paramref name="minBlock"/>; no power of two is needed.</param>
    /// <param name="minBlock">The size of the smallest block, a power of two.</param>
    /// <param name="maxBlock">The size of the largest block, a power of two, and not below <paramref name="minBlock"/>. It may be above
    /// <paramref name="size"/>.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">The range is smaller than a block or reaches past the top of the type, a block size is no power
    /// of two, the largest is below the smallest, or the range holds more blocks of the minimum size (some 8·10^10) than one table
    /// can describe.</exception>
    public BuddyAllocator(T start, T size, T minBlock, T maxBlock, BuddyAllocatorOptions? options = null)
        : this(start, CheckSize(start, size, minBlock), minBlock, maxBlock, options, default)
    {
    }

    private BuddyAllocator(T start, T sizeLess1, T minBlock, T maxBlock, BuddyAllocatorOptions? options, Checked _)
    {
        CheckBlocks(minBlock, maxBlock);
        options ??= new BuddyAllocatorOptions();
        ArgumentNullException.ThrowIfNull(options.Name, nameof(options));
        T unitsLess1 = (sizeLess1 - (minBlock - T.One)) >> ShiftOf(minBlock);
        long units = long.CreateSaturating(unitsLess1);
        units = units == long.MaxValue ? units : units + 1;
        int maxOrder = ShiftOf(maxBlock) - ShiftOf(minBlock);
        if (!BuddyTree.CanHold(units, maxOrder))
        {
            throw new ArgumentException($"The range holds {unitsLess1} blocks of the minimum size {minBlock} and one more: too many for one table. A larger minimum block is needed.", nameof(minBlock));
        }

        Name = options.Name;
        Start = start;
        MinBlock = minBlock;
        MaxBlock = maxBlock;
        _sizeLess1 = sizeLess1;
        _unitShift = ShiftOf(minBlock);
        _lastUsable = (unitsLess1 << _unitShift) + (minBlock - T.One);
        _shared = !options.SingleThreaded;
        _audit = options.Audit ? new BuddyAudit<T>() : null;
        _watchesFrees = AlwaysChecksKeys || options.Audit;
        _tree = new BuddyTree(units, maxOrder);
        _leastFree = units;
        BuddyMetrics.Allocators.Add(this, out _metered);
    }

    /// <summary>Tells the two constructors apart.</summary>
    private readonly struct Checked;

    /// <summary>Makes an allocator over all values of the type, whose number the type itself cannot hold: all 65,536 ports, say.</summary>
    /// <param name="minBlock">The size of the smallest block, a power of two.</param>
    /// <param name="maxBlock">The size of the largest block, a power of two, and not below <paramref name="minBlock"/>.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <returns>The allocator; all of it is free.</returns>
    /// <exception cref="ArgumentException">A block size is no power of two, the largest is below the smallest, or there are more blocks of
    /// the minimum size than one table can describe.</exception>
    public static BuddyAllocator<T> OverWholeRange(T minBlock, T maxBlock, BuddyAllocatorOptions? options = null) =>
        new(T.Zero, T.MaxValue, minBlock, maxBlock, options, default);

    /// <summary>The allocator's name.</summary>
    public string Name { get; }

    /// <summary>The first value of the range.</summary>
    public T Start { get; }

    /// <summary>The number of values of the range, what is too small for a block at its end included; of all values of the type,
    /// <c>T.MaxValue</c>.</summary>
    public T Size => _sizeLess1 == T.MaxValue ? T.MaxValue : _sizeLess1 + T.One;

    /// <summary>The size of the smallest block.</summary>
    public T MinBlock { get; }

    /// <summary>The size that no block exceeds.</summary>
    public T MaxBlock { get; }

    /// <summary>Takes everything back, whoever holds it: as new, but for the counts in the statistics.</summary>
    /// <remarks>Costs the clearing of the bookkeeping.</remarks>
    public void Reset()
    {
        Enter();
        _tree.Reset();
        _audit?.Clear();
        Exit();
        NotifyListeners();
    }

    /// <summary>Checks every invariant of the bookkeeping, the guard keys around it included.</summary>
    /// <exception cref="InvariantViolationException">One does not hold; it names which.</exception>
    /// <remarks>O(size / <see cref="MinBlock"/>), 64 blocks of the minimum size at a time, under the lock.</remarks>
    public void Validate()
    {
        Enter();
        try
        {
            _tree.Validate();
            _audit?.Validate(_tree);
            Invariant.Hold(_leastFree <= _tree.FreeUnits, "the peak is the most that was ever in use", $"{_tree.FreeUnits} are free, and {_leastFree} were at the peak");
        }
        finally
        {
            Exit();
        }
    }

    private static T CheckSize(T start, T size, T minBlock)
    {
        if (size < minBlock || T.IsZero(size))
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, $"The range must hold at least one block of the minimum size {minBlock}.");
        }

        return size - T.One <= T.MaxValue - start
            ? size - T.One
            : throw new ArgumentException($"The range from {start} of size {size} reaches past the top of the type, {T.MaxValue}.", nameof(size));
    }

    private static void CheckBlocks(T minBlock, T maxBlock)
    {
        if (!T.IsPow2(minBlock))
        {
            throw new ArgumentException($"The smallest block must be a power of two, and {minBlock} is none.", nameof(minBlock));
        }

        if (!T.IsPow2(maxBlock))
        {
            throw new ArgumentException($"The largest block must be a power of two, and {maxBlock} is none.", nameof(maxBlock));
        }

        if (maxBlock < minBlock)
        {
            throw new ArgumentException($"The largest block, {maxBlock}, is below the smallest, {minBlock}.", nameof(maxBlock));
        }
    }

    private static int ShiftOf(T powerOfTwo) => int.CreateTruncating(T.TrailingZeroCount(powerOfTwo));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Enter()
    {
        if (_shared)
        {
            _lock.Enter();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Exit()
    {
        if (_shared)
        {
            _lock.Exit();
        }
    }

    [Conditional("DEBUG")]
    private void AssertEntered()
    {
        if (_shared)
        {
            _lock.AssertHeld();
        }
    }

    /// <summary>The first value of a unit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T ValueOf(long unit) => Start + (T.CreateTruncating(unit) << _unitShift);

    /// <summary>The unit that holds a value of the usable range.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long UnitOf(T value) => long.CreateTruncating((value - Start) >> _unitShift);

    /// <summary>Whether a value belongs to any block. Values below the start wrap round, and are found to be too far.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsUsable(T value) => value - Start <= _lastUsable;

    /// <summary>So many units as an amount of the type. Only that of all its values does not fit, and wraps to 0.</summary>
    private T AmountOf(long units)
    {
        T amount = T.CreateTruncating(units) << _unitShift;
        return T.IsZero(amount) && units > 0 ? T.MaxValue : amount;
    }
}
