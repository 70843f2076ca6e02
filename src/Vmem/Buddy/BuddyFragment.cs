using System.Diagnostics;
using System.Numerics;

namespace Vmem;

/// <summary>A block of a buddy allocator: <c>[Start, Start + Size)</c>, and whose it is.</summary>
/// <param name="Owner">The allocator that the block is a part of: from fragment to arena.</param>
/// <param name="Start">The first value.</param>
/// <param name="Size">The number of values: a power of two.</param>
/// <param name="IsAllocated">Whether somebody holds it.</param>
/// <typeparam name="T">The allocator's integer type.</typeparam>
[DebuggerDisplay("{Size} at {Start}, allocated: {IsAllocated}")]
public readonly record struct BuddyFragment<T>(BuddyAllocator<T> Owner, T Start, T Size, bool IsAllocated)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>;
