using Vmem.Memory.Tests.Platform;
using Vmem.Memory.Tests.Window;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Blocks that become longer and shorter.</summary>
public unsafe class ReallocateTests
{
    private const nuint Megabyte = 1 << 20;

    [Fact]
    public void Contents_stay_from_any_size_to_any_other()
    {
        nuint[] sizes = [0, 1, 16, 17, 64, 65, 100, 1_000, 4_096, 20_000, 32_768, 32_769, 100_000, 700_000];
        using NativeHeap heap = new();
        foreach (nuint from in sizes)
        {
            foreach (nuint to in sizes)
            {
                void* block = heap.Allocate(from);
                nuint usable = heap.GetSize(block);
                Pattern.Write(block, usable, 0x12345);
                void* moved = heap.Reallocate(block, to);
                nuint kept = nuint.Min(usable, to);
                Assert.True(kept < sizeof(int) || Pattern.Holds(moved, kept, 0x12345), $"from {from} to {to}");
                Assert.True(heap.GetSize(moved) >= to);
                Pattern.Write(moved, heap.GetSize(moved), 1);
                heap.Free(moved);
            }
        }

        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    /// <summary>Every size to every other, at every alignment up to a slab's, with debugging and without; and a block that was not aligned
    /// before.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_aligned_block_stays_aligned(bool debugging)
    {
        nuint[] sizes = [1, 24, 100, 1_000, 5_000, 32_768, 40_000, 200_000];
        using NativeHeap heap =
            new(new NativeHeapOptions { Debugging = debugging ? HeapDebugging.Default with { Owners = false } : HeapDebugging.None });
        foreach (nuint from in sizes)
        {
            foreach (nuint to in sizes)
            {
                for (int shift = 0; shift <= 16; shift += 2)
                {
                    void* block = shift % 4 == 0 ? heap.AllocateAligned(from, (nuint)1 << shift) : heap.Allocate(from);
                    Pattern.Write(block, from, 0x54321);
                    void* moved = heap.ReallocateAligned(block, to, (nuint)1 << shift);
                    nuint kept = nuint.Min(from, to);
                    Assert.Equal(0u, (nuint)moved & (((nuint)1 << shift) - 1));
                    Assert.True(kept < sizeof(int) || Pattern.Holds(moved, kept, 0x54321), $"from {from} to {to}, 2^{shift}");
                    heap.Free(moved);
                }
            }
        }

        Assert.Throws<ArgumentException>(() => heap.ReallocateAligned(null, 100, 24));
        heap.Free(heap.ReallocateAligned(null, 100, 4_096));
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    [Fact]
    public void A_large_block_stays_where_it_is_if_there_is_room_behind_it()
    {
        using NativeHeap heap = new();
        void* block = heap.Allocate(Megabyte);
        Pattern.Write(block, Megabyte, 7);
        for (nuint size = 2 * Megabyte; size <= 64 * Megabyte; size *= 2)
        {
            Assert.True(heap.Reallocate(block, size) == block, $"It moved to be {size} bytes long.");
            Assert.Equal((1, size, size), (heap.GetStatistics().LargeBlocks, heap.GetStatistics().InUse, heap.GetStatistics().Held));
        }

        Assert.True(Pattern.Holds(block, Megabyte, 7));
        for (nuint size = 32 * Megabyte; size >= Megabyte; size /= 2)
        {
            Assert.True(heap.Reallocate(block, size) == block);
            Assert.Equal(size, heap.GetSize(block));
        }

        Assert.True(Pattern.Holds(block, Megabyte, 7));
        heap.Free(block);
        heap.Validate();
    }

    /// <summary>As for every other block, at most an eighth of a large one is wasted after it was resized.</summary>
    [Fact]
    public void A_large_block_that_became_shorter_gives_its_pages_back()
    {
        using NativeHeap heap = new();
        void* block = heap.Allocate(10 * Megabyte);
        foreach (nuint size in (nuint[])[9 * Megabyte, 6 * Megabyte, 4 * Megabyte])
        {
            block = heap.Reallocate(block, size);
            Assert.Equal(size, heap.GetSize(block));
        }
    }

    [Fact]
    public void A_large_block_moves_if_there_is_another_behind_it()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 64 * Megabyte });
        void* first = heap.Allocate(Megabyte);
        void* second = heap.Allocate(Megabyte);
        Pattern.Write(first, Megabyte, 1);
        Pattern.Write(second, Megabyte, 2);
        void* moved = heap.Reallocate(first, 3 * Megabyte);
        Assert.True(moved != first || second < first);
        Assert.True(Pattern.Holds(moved, Megabyte, 1));
        Assert.True(Pattern.Holds(second, Megabyte, 2));
        heap.Free(moved);
        heap.Free(second);
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    [Fact]
    public void A_block_that_there_is_no_memory_for_stays_as_it_is()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 8 * Megabyte });
        foreach (nuint size in (nuint[])[100, 20_000, Megabyte])
        {
            void* block = heap.Allocate(size);
            nuint usable = heap.GetSize(block);
            Pattern.Write(block, usable, 5);
            Assert.ThrowsAny<OutOfMemoryException>(() => heap.Reallocate(block, 16 * Megabyte));
            Assert.Equal(usable, heap.GetSize(block));
            Assert.True(Pattern.Holds(block, usable, 5));
            Assert.Equal(1, heap.GetStatistics().LiveBlocks);
            heap.Free(block);
            heap.Validate();
        }
    }

    /// <summary>To ask for less needs no memory.</summary>
    [Fact]
    public void A_block_becomes_shorter_in_a_heap_that_is_full()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 8 * Megabyte });
        void* large = heap.Allocate(100_000);
        void* small = heap.Allocate(20_000);
        foreach (nuint size in (nuint[])[100_000, 33_000, 20_000, 16])
        {
            while (heap.TryAllocate(size, out _))
            {
            }
        }

        foreach (nuint block in (nuint[])[(nuint)large, (nuint)small])
        {
            Pattern.Write((void*)block, 1_000, 9);
            void* shorter = heap.Reallocate((void*)block, 1_000);
            Assert.True(Pattern.Holds(shorter, 1_000, 9));
            heap.Free(shorter);
        }

        heap.Validate();
    }

    /// <summary>A block stays as long as another would be no shorter, or it is half used.</summary>
    [Fact]
    public void A_small_block_does_not_move_for_nothing()
    {
        using NativeHeap heap = new();
        foreach (nuint old in (nuint[])[16, 32, 64, 1_024, 32_768])
        {
            void* block = heap.Allocate(old);
            Assert.True(heap.Reallocate(block, old / 2) == block, $"{old} bytes");
            heap.Free(block);
        }

        void* least = heap.Allocate(16);
        for (nuint size = 0; size <= 16; size++)
        {
            Assert.True(heap.Reallocate(least, size) == least, $"{size} of 16 bytes");
        }
    }

    /// <summary>What lies behind a block is free all the same while its memory goes back.</summary>
    [Fact]
    public void A_large_block_grows_in_place_while_another_thread_trims()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 64 * Megabyte });
        void* block = heap.Allocate(30 * Megabyte);
        heap.Free(heap.Allocate(10 * Megabyte));
        void* grown = null;
        Exception? thrown = null;
        Thread asker = new(() => thrown = Record.Exception(() => grown = heap.Reallocate(block, 50 * Megabyte)));
        using (SystemCallFault.Inject(SecondThread.AtDiscard(asker)))
        {
            _ = heap.Trim();
        }

        asker.Join();
        Assert.Null(thrown);
        Assert.True(grown == block);
        heap.Validate();
    }

    [Fact]
    public void Null_is_allocated()
    {
        using NativeHeap heap = new();
        void* block = heap.Reallocate(null, 100);
        Assert.Equal(104u, heap.GetSize(block));
        heap.Free(block);
    }

    /// <summary>With a neighbour behind it, again and again: what has moved before consists of several mappings.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_pages_of_a_large_block_go_elsewhere(bool isRefused)
    {
        using SystemCallFault? refusal = isRefused ? SystemCallFault.Inject(call => call == SystemCall.Move) : null;
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.None });
        List<nuint> neighbors = [];
        nuint size = (32 * Megabyte) + 12_345;
        byte* block = (byte*)heap.Allocate(size);
        Pattern.Write(block, size, 9);
        int moves = 0;
        for (int i = 0; i < 6; i++)
        {
            nuint behind = (nuint)block + size;
            do
            {
                neighbors.Add((nuint)heap.Allocate(Megabyte));
            }
            while (neighbors.Count < 1_000 && !(neighbors[^1] >= behind && neighbors[^1] < behind + (8 * Megabyte)));

            byte* moved = (byte*)heap.Reallocate(block, size + (8 * Megabyte));
            Assert.True(Pattern.Holds(moved, size, 9));
            moves += moved == block ? 0 : 1;
            block = moved;
            size += 8 * Megabyte;
            Pattern.Write(block, size, 9);
            heap.Validate();
        }

        Assert.InRange(moves, 3, 6);
        Assert.True(!isRefused || refusal!.Failed > 0);
        neighbors.ForEach(neighbor => heap.Free((void*)neighbor));
        heap.Free(block);
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    /// <summary>Nothing is touched that was not, and nothing is there twice.</summary>
    [Fact]
    public void A_block_whose_pages_go_takes_no_more_memory()
    {
        using OwnWindow own = new();
        NativeHeap heap = own.NewHeap(new NativeHeapOptions { Debugging = HeapDebugging.None });
        void* block = heap.Allocate(64 * Megabyte);
        Pattern.Write(block, 64 * Megabyte, 3);
        void* neighbor = heap.Allocate(Megabyte);
        void* moved = heap.Reallocate(block, 80 * Megabyte);
        Assert.True(moved != block);
        Assert.InRange(heap.GetStatistics().Resident, 64 * Megabyte, 70 * Megabyte);
        Assert.True(Pattern.Holds(moved, 64 * Megabyte, 3));
        heap.Free(moved);
        heap.Free(neighbor);
    }

    /// <summary>A heap that keeps records may fail to free the old block: then its contents must still be there.</summary>
    [Fact]
    public void With_debugging_large_blocks_are_copied()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Default });
        void* block = heap.Allocate(16 * Megabyte);
        Pattern.Write(block, 16 * Megabyte, 3);
        using SystemCallFault moves = SystemCallFault.Inject(call => call == SystemCall.Move);
        void* moved = heap.Reallocate(block, 24 * Megabyte);
        Assert.True(Pattern.Holds(moved, 16 * Megabyte, 3));
        Assert.Equal(0, moves.Failed);
        heap.Free(moved);
    }

    /// <summary>A large block is freed wrongly while it moves: either the free is right and the move refused, or the other way round, and
    /// nobody else's pages go.</summary>
    [Fact]
    public void Of_a_move_and_a_free_at_the_same_moment_one_is_refused()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.None });
        byte* other = (byte*)heap.Allocate(4 * Megabyte);
        Pattern.Write(other, 4 * Megabyte, 5);
        for (int round = 0; round < 100; round++)
        {
            nuint block = (nuint)heap.Allocate(4 * Megabyte);
            Pattern.Write((void*)block, 4 * Megabyte, round);
            nuint neighbor = (nuint)heap.Allocate(2 * Megabyte);
            using Barrier together = new(2);
            bool isFreed = false;
            nuint moved = 0;
            Parallel.Invoke(
                () =>
                {
                    together.SignalAndWait();
                    isFreed = Succeeds(() => heap.Free((void*)block));
                },
                () =>
                {
                    together.SignalAndWait();
                    _ = Succeeds(() => moved = (nuint)heap.Reallocate((void*)block, 32 * Megabyte));
                });
            Assert.True(isFreed == (moved == 0) || moved == block);
            Assert.True(isFreed || Pattern.Holds((void*)moved, 4 * Megabyte, round));
            Assert.True(Pattern.Holds(other, 4 * Megabyte, 5));
            heap.Free((void*)neighbor);
            if (!isFreed)
            {
                heap.Free((void*)moved);
            }

            Assert.Equal(1, heap.GetStatistics().LiveBlocks);
        }

        heap.Validate();
    }

    private static bool Succeeds(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (InvalidFreeException)
        {
            return false;
        }
    }

    /// <summary>One that grows by little, with a neighbour behind it each time, moves as often as it grows by an eighth.</summary>
    [Fact]
    public void A_block_that_moves_has_room_to_grow()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.None });
        nuint size = 4 * Megabyte;
        void* block = heap.Allocate(size);
        List<nuint> neighbors = [];
        int moves = 0;
        for (; size < 8 * Megabyte; size += 64 << 10)
        {
            neighbors.Add((nuint)heap.Allocate(2 * Megabyte));
            void* moved = heap.Reallocate(block, size);
            moves += moved == block ? 0 : 1;
            block = moved;
        }

        Assert.InRange(moves, 1, 10);
        neighbors.ForEach(neighbor => heap.Free((void*)neighbor));
        heap.Free(block);
    }
}
