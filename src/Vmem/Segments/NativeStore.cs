using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>A growing array of structs in native memory whose items never move and whose growth never copies.</summary>
/// <remarks>
/// <para>
/// Block 0 holds the first few items, and each further block as many as all before it, so the block of item i follows from the number of
/// leading zeros of i, and 31 block addresses reach every 32-bit index: there is no directory to grow. Addresses are kept minus the
/// position of the block's first item, so that one multiply-add gives the address of an item.
/// </para>
/// <para>
/// Rejected: blocks of equal size, whose directory must itself be copied as it grows, which costs one more dependent load, and which
/// scatters a large table over the address space (more TLB misses). The price of doubling, a last block that may be used by half, is
/// address space only: pages of native memory cost nothing until they are touched. Rejected too: managed arrays. Blocks this large would go
/// to the large object heap, and an arena that grows would then provoke collections. And huge pages
/// (MADV_HUGEPAGE): the gain at a million segments was within the noise or a tenth, for platform code in the core.
/// </para>
/// </remarks>
internal unsafe struct NativeStore<TItem>
    where TItem : unmanaged
{
    private const int Blocks = 31;                // leading zeros of (index | 3), the smallest first block: 0 … 30
    private const nuint CacheLine = 64;

    [InlineArray(Blocks)]
    private struct BlockTable
    {
        private nint _first;
    }

    /// <summary>Items in the first block: a kilobyte or two, for an arena of a few segments should be small.</summary>
    private static uint FirstBlock => sizeof(TItem) > 256 ? 4u : 64u;

    private BlockTable _origins;                  // by leading zeros: the block's address less that of its first item's index

    /// <summary>How many items there is room for.</summary>
    public uint Capacity { get; private set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly TItem* At(uint index)
    {
        nint origin = Unsafe.Add(ref Unsafe.AsRef(in Unsafe.As<BlockTable, nint>(ref Unsafe.AsRef(in _origins))), BitOperations.LeadingZeroCount(index | (FirstBlock - 1)));
        return (TItem*)origin + index;
    }

    /// <summary>Adds one block: the capacity doubles. Contents are undefined. Throws <see cref="OutOfMemoryException"/> and changes nothing
    /// if there is no memory.</summary>
    public void Grow()
    {
        uint first = Capacity;
        uint count = first == 0 ? FirstBlock : first;
        if (first > int.MaxValue)
        {
            throw new InsufficientMemoryException("A table of an arena has reached its limit of 2^32 entries.");
        }

        GrowthFault.ThrowIfDue();
        nuint bytes = (nuint)count * (nuint)sizeof(TItem);
        void* block = NativeMemory.AlignedAlloc(bytes, CacheLine);
        _origins[BitOperations.LeadingZeroCount(first | (FirstBlock - 1))] = (nint)block - (nint)((nuint)first * (nuint)sizeof(TItem));
        Capacity = first + count;
    }

    /// <summary>Gives all memory back. Afterwards the store is empty and may grow again.</summary>
    public void Release()
    {
        while (Capacity != 0)
        {
            uint first = Capacity == FirstBlock ? 0 : Capacity / 2;
            NativeMemory.AlignedFree(At(first));
            Capacity = first;
        }
    }
}
