using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Lending;

namespace Vmem;

// Allocating.
public sealed partial class BuddyAllocator<T>
{
    private Borrowers? _borrowers;                // made with the first arena above
    private long _leastFree;                      // the fewest units that ever were free
    private long _allocations;
    private long _failures;
    private double _unitsGranted;
    private double _valuesRequested;

    /// <summary>Allocates a block.</summary>
    /// <param name="size">How many values are needed; rounded up to a power of two, and to <see cref="MinBlock"/>.</param>
    /// <returns>The first value of the block.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0.</exception>
    /// <exception cref="ArenaExhaustedException">No free block is large enough, or no block ever is.</exception>
    /// <remarks>A step for each level that a block is cut down through, at most seven, and for each row of the index of one order: at most
    /// six.</remarks>
    public T Allocate(T size)
    {
        if (!TryAllocate(size, out T start))
        {
            ThrowExhausted(size);
        }

        return start;
    }

    /// <summary>Allocates a block, or returns false if no free block is large enough.</summary>
    /// <param name="size">How many values are needed; rounded up to a power of two, and to <see cref="MinBlock"/>.</param>
    /// <param name="start">The first value of the block.</param>
    /// <returns>Whether there was room.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is 0.</exception>
    /// <remarks>A step for each level that a block is cut down through, at most seven, and for each row of the index of one order: at most
    /// six.</remarks>
    public bool TryAllocate(T size, out T start)
    {
        int order = OrderFor(size);
        if (_audit is not null)
        {
            return TryAllocateAudited(size, order, out start) || TryAllocateRecalled(size, order, out start);
        }

        Enter();
        if (!TryTake(size, order, out long unit))
        {
            Exit();
            return TryAllocateRecalled(size, order, out start);
        }

        Exit();
        start = ValueOf(unit);
        return true;
    }

    /// <summary>A request that no free block could meet; it was counted as a failure, which it may not be.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateRecalled(T size, int order, out T start)
    {
        start = T.Zero;
        if (order > _tree.MaxOrder || _borrowers is null)
        {
            return false;
        }

        _borrowers.TakeBack();                    // what arenas above keep
        Enter();
        try
        {
            _failures--;
            _audit?.Reserve();
            if (!TryTake(size, order, out long unit))
            {
                return false;
            }

            _audit?.Note(unit, size);
            start = ValueOf(unit);
            return true;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The order of the smallest block that is large enough; beyond all orders if none can be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int OrderFor(T size)
    {
        if (T.IsZero(size))
        {
            ThrowZero();
        }

        ulong unitsLess1 = ulong.CreateSaturating((size - T.One) >> _unitShift);
        return 64 - BitOperations.LeadingZeroCount(unitsLess1);
    }

    /// <summary>Takes a block and counts it, or the failure. The lock is held.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTake(T size, int order, out long unit)
    {
        AssertEntered();
        if (order > _tree.MaxOrder || !_tree.TryTake(order, out unit))
        {
            unit = 0;
            _failures++;
            return false;
        }

        _allocations++;
        NoteGrant(size, order);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteGrant(T size, int order)
    {
        _unitsGranted += 1L << order;
        _valuesRequested += double.CreateTruncating(size);
        _leastFree = Math.Min(_leastFree, _tree.FreeUnits);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateAudited(T size, int order, out T start)
    {
        Enter();
        try
        {
            _audit!.Reserve();
            if (!TryTake(size, order, out long unit))
            {
                start = T.Zero;
                return false;
            }

            _audit.Note(unit, size);
            start = ValueOf(unit);
            return true;
        }
        finally
        {
            Exit();
        }
    }

    [DoesNotReturn]
    private static void ThrowZero() => throw new ArgumentOutOfRangeException("size", 0, "A block of size 0 cannot be asked for.");

    [DoesNotReturn]
    private void ThrowExhausted(T size)
    {
        Enter();
        T free = AmountOf(_tree.FreeUnits);
        int largestOrder = _tree.LargestFreeOrder;
        Exit();
        T largestFree = largestOrder < 0 ? T.Zero : AmountOf(1L << largestOrder);
        T largestBlock = AmountOf(1L << _tree.MaxOrder);
        (FitFailure failure, string why) =
            size > MaxBlock ? (FitFailure.LargerThanAnySpan, $"That is above the largest block, {MaxBlock}.") :
            size > largestBlock ? (FitFailure.LargerThanAnySpan, $"The largest block in a range of {Size} is {largestBlock}.") :
            largestFree >= size ? (FitFailure.None, "Room was found only after the request had failed.") :
            free >= size ? (FitFailure.Fragmented, $"{free} is free, but in blocks of at most {largestFree}.") :
            (FitFailure.NotEnoughFree, $"Only {free} is free.");
        throw new ArenaExhaustedException(
            Name,
            UInt128.CreateTruncating(size > largestBlock ? size : AmountOf(1L << OrderFor(size))),
            UInt128.CreateTruncating(free),
            UInt128.CreateTruncating(largestFree),
            failure,
            why,
            "Buddy allocator");
    }
}
