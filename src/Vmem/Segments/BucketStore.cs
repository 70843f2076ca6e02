using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Segments;

/// <summary>The buckets of a live table: chunks as a <see cref="NativeStore{TItem}"/> has them, but their addresses lie in native memory,
/// too.</summary>
/// <remarks>An operation looks at one bucket, so the load that finds the addresses is hidden behind the hash. Of tags it looks at several,
/// one after the other: their addresses lie in the map itself, where they take 248 bytes.</remarks>
internal unsafe struct BucketStore
{
    private const int FirstBits = 4;

    /// <summary>Buckets in the first chunk: a cache line.</summary>
    public const uint FirstChunk = 1 << FirstBits;

    private nint* _origins;                       // by log2 of an index: the chunk's address less that of its first bucket's index

    /// <summary>How many buckets there is room for.</summary>
    public uint Capacity { get; private set; }

    /// <summary>The bytes of so many buckets, and of the chunks' addresses.</summary>
    public readonly long BytesOf(uint used) =>
        NativePages.Taken(used * (long)sizeof(uint), Capacity * (long)sizeof(uint)) +
        (Capacity == 0 ? 0 : (ChunkOf(Capacity - 1) + 1) * sizeof(nint));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint* At(uint index) => (uint*)_origins[(uint)BitOperations.Log2(index | (FirstChunk - 1))] + index;

    /// <summary>Adds one chunk: the capacity doubles. Contents are undefined. Throws <see cref="OutOfMemoryException"/> and changes nothing
    /// if there is no memory.</summary>
    public void Grow()
    {
        uint first = Capacity;
        uint count = Doubling.NextChunk(first, FirstChunk);
        ResizeTable(ChunkOf(first) + 1);
        nuint bytes = (nuint)count * sizeof(uint);
        uint* chunk = (uint*)NativePages.Allocate(bytes);
        _origins[ChunkOf(first) + FirstBits - 1] = (nint)chunk - ((nint)first * sizeof(uint));
        Capacity = first + count;
    }

    /// <inheritdoc cref="NativeStore{TItem}.TryShrink"/>
    public void* TryShrink(uint needed)
    {
        if (!Doubling.IsLastSpare(Capacity, FirstChunk, needed))
        {
            return null;
        }

        uint half = Capacity / 2;
        void* chunk = At(half);
        Capacity = half;
        _origins = (nint*)NativePages.Shorten(Table, (nuint)(ChunkOf(half - 1) + 1) * (nuint)sizeof(nint)) - (FirstBits - 1);
        return chunk;
    }

    public void Release()
    {
        while (Capacity != 0)
        {
            uint first = Doubling.FirstOfLast(Capacity, FirstChunk);
            NativeMemory.AlignedFree(At(first));
            Capacity = first;
        }

        NativeMemory.Free(Table);
        _origins = null;
    }

    private readonly nint* Table => _origins == null ? null : _origins + (FirstBits - 1);

    private void ResizeTable(int chunks) =>
        _origins = (nint*)NativeMemory.Realloc(Table, (nuint)chunks * (nuint)sizeof(nint)) - (FirstBits - 1);

    private static int ChunkOf(uint index) => BitOperations.Log2(index | (FirstChunk - 1)) - (FirstBits - 1);
}
