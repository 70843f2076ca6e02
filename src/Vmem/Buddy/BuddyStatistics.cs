using System.Diagnostics;
using System.Numerics;

namespace Vmem;

/// <summary>What a buddy allocator holds and has done; every figure is exact at the time of the call.</summary>
/// <remarks>Amounts are in the allocator's units. An amount that <typeparamref name="T"/> cannot hold (all values of the type) reads as
/// <c>T.MaxValue</c>.</remarks>
/// <typeparam name="T">The allocator's integer type.</typeparam>
[DebuggerDisplay("{InUse} of {TotalSize} in use, {Free} free, {LargestFree} of it in one piece")]
public readonly record struct BuddyStatistics<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The size of the whole range: <c>InUse + Free + Unusable</c>.</summary>
    public T TotalSize { get; init; }

    /// <summary>What callers hold, in whole blocks.</summary>
    public T InUse { get; init; }

    /// <summary>What nobody holds and can be had.</summary>
    public T Free { get; init; }

    /// <summary>The end of the range that is smaller than a block of the minimum size: never used.</summary>
    public T Unusable { get; init; }

    /// <summary>The size of the largest free block: the largest request that can be met.</summary>
    public T LargestFree { get; init; }

    /// <summary>The most that was ever in use.</summary>
    public T PeakInUse { get; init; }

    /// <summary>Allocations that succeeded.</summary>
    public long Allocations { get; init; }

    /// <summary>Blocks that came back: frees that succeeded, and what <see cref="BuddyAllocator{T}.Reset"/> took.</summary>
    public long Frees { get; init; }

    /// <summary>Allocations that found no room.</summary>
    public long Failures { get; init; }

    /// <summary>Allocated blocks.</summary>
    public long LiveBlocks { get; init; }

    /// <summary>Free blocks.</summary>
    public long FreeBlocks { get; init; }

    /// <summary>Bytes of the allocator's own tables, without what an audit keeps: at most 2 bits for each block of the minimum size that
    /// the range holds, and a constant.</summary>
    public long BookkeepingBytes { get; init; }

    /// <summary>External waste: <c>1 − LargestFree / Free</c>; 0 when nothing is free or all of it is one block.</summary>
    public double ExternalWaste => T.IsZero(Free) ? 0 : 1 - (double.CreateSaturating(LargestFree) / double.CreateSaturating(Free));

    /// <summary>Internal waste, of all space granted since the beginning: the share of it that was not asked for, because blocks are powers
    /// of two; 0 before the first allocation.</summary>
    /// <remarks>Of everything ever granted and not of what is live, because a free names no size, and two bits a block cannot remember what
    /// was asked for. A resize counts as a grant of the new size. Summed up in <c>double</c>s.</remarks>
    public double InternalWaste { get; init; }

    /// <summary>Internal waste of the live blocks, exactly: the share of <see cref="InUse"/> that was not asked for; 0 when nothing is in
    /// use, and null without <see cref="BuddyAllocatorOptions.Audit"/>.</summary>
    public double? LiveInternalWaste { get; init; }
}
