using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>A growing array of structs in native memory whose items never move and whose growth never copies. For tables that there are
/// many of in an arena, or whose items' addresses are kept; otherwise <see cref="GrowingBlock"/> is faster.</summary>
/// <remarks>
/// <para>
/// Chunk 0 holds the first few items, and each further chunk as many as all before it, so the chunk of item i follows from the number of
/// leading zeros of i, and 31 chunk addresses reach every 32-bit index: there is no directory to grow. Addresses are kept minus the
/// position of the chunk's first item, so that one multiply-add gives the address of an item.
/// </para>
/// <para>
/// Rejected: chunks of equal size, whose directory must itself be copied as it grows, which costs one more dependent load, and which
/// scatters a large table over the address space (more TLB misses). The price of doubling, a last chunk that may be used by half, is
/// address space only: pages of native memory cost nothing until they are touched. Rejected too: managed arrays. Chunks this large would go
/// to the large object heap, and an arena that grows would then provoke collections.
/// </para>
/// </remarks>
internal unsafe struct NativeStore<TItem>
    where TItem : unmanaged
{
    private const int Chunks = 31;                // leading zeros of (index | 3), the smallest first chunk: 0 … 30

    [InlineArray(Chunks)]
    private struct ChunkTable
    {
        private nint _first;
    }

    /// <summary>Items in the first chunk: as few as an arena of three segments needs, or a tree of one node.</summary>
    public static uint FirstChunk
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => sizeof(TItem) > 256 ? 4u : 8u;
    }

    private ChunkTable _origins;                  // by leading zeros: the chunk's address less that of its first item's index

    /// <summary>How many items there is room for.</summary>
    public uint Capacity { get; private set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly TItem* At(uint index)
    {
        nint origin = Unsafe.Add(
            ref Unsafe.AsRef(in Unsafe.As<ChunkTable, nint>(ref Unsafe.AsRef(in _origins))),
            BitOperations.LeadingZeroCount(index | (FirstChunk - 1)));
        return (TItem*)origin + index;
    }

    /// <summary>The bytes of so many items, the first ones.</summary>
    public readonly long BytesOf(uint used) => NativePages.Taken(used * (long)sizeof(TItem), Capacity * (long)sizeof(TItem));

    /// <summary>Adds one chunk: the capacity doubles. Contents are undefined. Throws <see cref="OutOfMemoryException"/> and changes nothing
    /// if there is no memory.</summary>
    public void Grow()
    {
        uint first = Capacity;
        uint count = first == 0 ? FirstChunk : first;
        if (first > int.MaxValue)
        {
            throw new InsufficientMemoryException("A table of an arena has reached its limit of 2^32 entries.");
        }

        GrowthFault.ThrowIfDue();
        nuint bytes = (nuint)count * (nuint)sizeof(TItem);
        void* chunk = NativePages.Allocate(bytes);
        _origins[BitOperations.LeadingZeroCount(first | (FirstChunk - 1))] = (nint)chunk - (nint)((nuint)first * (nuint)sizeof(TItem));
        Capacity = first + count;
    }

    /// <summary>Gives all memory back. Afterwards the store is empty and may grow again.</summary>
    public void Release()
    {
        while (Capacity != 0)
        {
            uint first = Capacity == FirstChunk ? 0 : Capacity / 2;
            NativeMemory.AlignedFree(At(first));
            Capacity = first;
        }
    }
}
