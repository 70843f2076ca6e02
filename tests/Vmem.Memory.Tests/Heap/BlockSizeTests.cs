using System.Numerics;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>How long blocks are, and where they start.</summary>
public unsafe class BlockSizeTests
{
    private const nuint Most = 40_000;            // beyond the largest small block

    /// <summary>At most 12.5 % is wasted above 64 bytes, and never more than 15 bytes below.</summary>
    [Fact]
    public void The_waste_of_every_size_is_bounded()
    {
        using NativeHeap heap = new();
        for (nuint size = 0; size <= Most; size++)
        {
            void* block = heap.Allocate(size);
            CheckWaste(size, heap.GetSize(block));
            heap.Free(block);
        }

        for (nuint size = Most; size < 64 << 20; size += (size / 5) + 1)
        {
            void* block = heap.Allocate(size);
            CheckWaste(size, heap.GetSize(block));
            heap.Free(block);
        }
    }

    [Fact]
    public void Every_size_starts_where_it_is_promised()
    {
        using NativeHeap heap = new();
        for (nuint size = 0; size <= Most; size++)
        {
            // Two: the second does not start where the slab does.
            void* first = heap.Allocate(size);
            void* second = heap.Allocate(size);
            nuint promised = size <= 64 || size % 16 == 0 ? 16u : 8u;
            Assert.Equal(0u, ((nuint)first | (nuint)second) % promised);
            heap.Free(first);
            heap.Free(second);
        }
    }

    /// <summary>Every power of two up to 1 GiB, each with sizes small, odd, and large.</summary>
    [Fact]
    public void Every_power_of_two_is_an_alignment()
    {
        using NativeHeap heap = new();
        foreach (nuint size in (nuint[])[0, 1, 8, 17, 64, 65, 100, 1_000, 4_095, 4_096, 4_097, 32_767, 32_768, 32_769, 100_000])
        {
            for (int shift = 0; shift <= 30; shift++)
            {
                var blocks = new nuint[3];
                foreach (ref nuint block in blocks.AsSpan())
                {
                    block = (nuint)heap.AllocateAligned(size, (nuint)1 << shift);
                    Assert.True(BitOperations.TrailingZeroCount(block) >= shift, $"{size} bytes, 2^{shift}: {block:x}");
                    Assert.True(heap.GetSize((void*)block) >= size);
                    Pattern.Write((void*)block, heap.GetSize((void*)block), shift);
                }

                foreach (nuint block in blocks)
                {
                    Assert.True(Pattern.Holds((void*)block, heap.GetSize((void*)block), shift));
                    heap.Free((void*)block);
                }
            }
        }

        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(24)]
    public void What_is_no_power_of_two_is_no_alignment(int alignment)
    {
        using NativeHeap heap = new();
        Assert.Throws<ArgumentException>(() => heap.AllocateAligned(100, (nuint)alignment));
    }

    [Fact]
    public void Nothing_is_too_much_to_be_asked_for()
    {
        using NativeHeap heap = new();
        foreach (nuint size in (nuint[])[
            nuint.MaxValue,
            nuint.MaxValue - 1,
            nuint.MaxValue - 4_096,
            nuint.MaxValue / 2,
            (nuint)1 << 63,
            heap.GetStatistics().Reserved + 1
        ])
        {
            Assert.ThrowsAny<OutOfMemoryException>(() => heap.Allocate(size));
            Assert.ThrowsAny<OutOfMemoryException>(() => heap.AllocateZeroed(size));
            Assert.ThrowsAny<OutOfMemoryException>(() => heap.AllocateAligned(size, 64));
            Assert.False(heap.TryAllocate(size, out void* none));
            Assert.True(none is null);
            void* block = heap.Allocate(100);
            Assert.ThrowsAny<OutOfMemoryException>(() => heap.Reallocate(block, size));
            Assert.Equal(104u, heap.GetSize(block));
            heap.Free(block);
        }

        Assert.ThrowsAny<OutOfMemoryException>(() => heap.AllocateAligned(1, (nuint)1 << 63));
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        Assert.True(heap.GetStatistics().Failures >= 24);
        heap.Validate();
    }

    [Fact]
    public void A_heap_owns_its_blocks_and_nothing_else()
    {
        using NativeHeap heap = new();
        using NativeHeap other = new();
        int local = 0;
        foreach (nuint size in (nuint[])[1, 100, 5_000, 32_768, 100_000, 3 << 20])
        {
            var block = (byte*)heap.Allocate(size);
            nuint usable = heap.GetSize(block);
            Assert.True(heap.Owns(block) && heap.Owns(block + (usable / 2)) && heap.Owns(block + usable - 1));
            Assert.False(other.Owns(block) || other.Owns(block + usable - 1));
            heap.Free(block);
            Assert.True(size <= 32_768 || !(heap.Owns(block) || heap.Owns(block + usable - 1)), "A free large block is nobody's.");
        }

        Assert.False(heap.Owns(null) || heap.Owns(&local) || heap.Owns((void*)nuint.MaxValue));
    }

    private static void CheckWaste(nuint size, nuint usable)
    {
        bool isBounded = size <= 64 ? usable >= nuint.Max(size, 1)
            && usable <= nuint.Max(size + 15, 16) : usable >= size && (usable - size) * 8 <= usable;
        Assert.True(isBounded, $"{size} bytes get {usable}.");
    }
}
