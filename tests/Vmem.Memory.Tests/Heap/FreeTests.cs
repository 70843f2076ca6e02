using Vmem.Memory.Tests.Platform;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Frees, right and wrong.</summary>
public unsafe class FreeTests
{
    [Fact]
    public void Null_is_no_block()
    {
        using NativeHeap heap = new();
        heap.Free(heap.Allocate(16));
        heap.Free(null);
        foreach (nuint size in (nuint[])[0, 1, 16, 100, 32_768, 32_769])
        {
            heap.Free(heap.Allocate(size));       // the thread has magazines for it now
            heap.Free(null, size);
            Assert.True(heap.Allocate(size) is not null);
        }

        heap.Validate();
    }

    /// <summary>The size may be any from the one asked for to the usable one, however the block was come by.</summary>
    [Theory]
    [InlineData(100, 64)]
    [InlineData(100, 4_096)]
    [InlineData(100, 65_536)]
    [InlineData(20_000, 4_096)]
    [InlineData(4_000, 8)]
    public void An_aligned_block_is_freed_by_its_size(int size, int alignment)
    {
        using NativeHeap heap = new();
        void*[] live = LeaveRoom(heap, size);
        for (int i = 0; i < live.Length; i++)
        {
            void* block = heap.AllocateAligned((nuint)size, (nuint)alignment);
            heap.Free(block, (nuint)size);
        }

        FreeAll(heap, live);
        CheckWholeAndEmpty(heap);
    }

    [Theory]
    [InlineData(200, 101)]
    [InlineData(30_000, 15_100)]
    [InlineData(60_000, 30_500)]
    [InlineData(300_000, 30_500)]
    public void A_block_that_was_resized_is_freed_by_its_new_size(int size, int newSize)
    {
        using NativeHeap heap = new();
        void*[] live = LeaveRoom(heap, newSize);
        for (int i = 0; i < live.Length; i++)
        {
            void* block = heap.Reallocate(heap.Allocate((nuint)size), (nuint)newSize);
            heap.Free(block, (nuint)newSize);
        }

        FreeAll(heap, live);
        CheckWholeAndEmpty(heap);
    }

    [Fact]
    public void A_large_block_is_not_freed_twice()
    {
        using NativeHeap heap = new();
        void* block = heap.Allocate(100_000);
        heap.Free(block);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => heap.Free(block)).Reason);
        Assert.Throws<InvalidFreeException>(() => heap.Free(block, 100_000));
        Assert.Throws<InvalidFreeException>(() => heap.GetSize(block));
        Assert.Throws<InvalidFreeException>(() => heap.Reallocate(block, 200_000));
        CheckWholeAndEmpty(heap);
    }

    [Fact]
    public void What_is_no_block_of_this_heap_is_not_freed()
    {
        using NativeHeap heap = new();
        using NativeHeap other = new();
        int local = 0;
        void* foreign = other.Allocate(100);
        void* foreignLarge = other.Allocate(100_000);
        var large = (byte*)heap.Allocate(100_000);
        foreach (nuint wrong in (nuint[])[(nuint)(&local), 1, nuint.MaxValue, (nuint)foreign, (nuint)foreignLarge, (nuint)large
            + 8, (nuint)large + 4_096, (nuint)large - 1])
        {
            Assert.Throws<InvalidFreeException>(() => heap.Free((void*)wrong));
            Assert.Throws<InvalidFreeException>(() => heap.GetSize((void*)wrong));
        }

        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
        Assert.Equal(2, other.GetStatistics().LiveBlocks);
        heap.Free(large);
        CheckWholeAndEmpty(heap);
    }

    /// <summary>Free pages are out of circulation while their memory goes back: they are no block all the same.</summary>
    [Fact]
    public void A_large_block_is_not_freed_twice_while_its_memory_goes_back()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 90 << 20 });
        void* block = heap.Allocate(1 << 20);
        heap.Free(block);
        int refusals = 0;
        bool isOwned = false;
        Thread other = new(() =>
        {
            foreach (Action call in (Action[])[() => heap.Free(block), () => heap.GetSize(block), () => heap.Reallocate(block, 100)])
            {
                try
                {
                    call();
                }
                catch (InvalidFreeException)
                {
                    refusals++;
                }
            }

            isOwned = heap.Owns(block);
        });
        using (SystemCallFault.Inject(SecondThread.AtDiscard(other)))
        {
            _ = heap.Trim();
        }

        other.Join();
        Assert.Equal((3, false), (refusals, isOwned));
        CheckWholeAndEmpty(heap);
    }

    /// <summary>Of a heap that trusts its caller, a small block's second free is found by Validate, and by a trim; other blocks are not
    /// lost on the way.</summary>
    [Fact]
    public void Where_the_caller_is_trusted_a_small_block_freed_twice_is_found_later()
    {
        using NativeHeap heap = new(new NativeHeapOptions { TrustCaller = true });
        UseUpStarter(heap, 100);
        void* twice = heap.Allocate(100);
        void* live = heap.Allocate(100);
        Pattern.Write(live, 104, 3);
        for (int i = 0; i < 50; i++)
        {
            heap.Free(heap.Allocate((nuint)(i * 100)));
        }

        heap.Free(twice);
        heap.Free(twice);
        Assert.Throws<InvariantViolationException>(heap.Validate);
        Assert.Throws<InvalidFreeException>(() => heap.Trim());
        heap.Validate();
        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
        Assert.True(Pattern.Holds(live, 104, 3));
        heap.Free(live);
        CheckWholeAndEmpty(heap);
    }

    /// <summary>What follows comes from slabs: blocks of the starter arena are always checked.</summary>
    private static void UseUpStarter(NativeHeap heap, nuint size)
    {
        for (int i = 0; i < 64; i++)
        {
            heap.Free(heap.Allocate(size));
        }
    }

    /// <summary>Addresses inside small blocks, and of another heap by a sized free.</summary>
    [Fact]
    public void Where_the_caller_is_trusted_a_wrong_address_is_found_later()
    {
        using NativeHeap heap = new(new NativeHeapOptions { TrustCaller = true });
        using NativeHeap other = new();
        UseUpStarter(heap, 100);
        var block = (byte*)heap.Allocate(100);
        heap.Free(block + 8);
        Assert.Throws<InvariantViolationException>(heap.Validate);
        Assert.Throws<InvalidFreeException>(() => heap.Trim());
        foreach (nuint wrong in (nuint[])[(nuint)other.Allocate(100), 64, nuint.MaxValue - 63])
        {
            heap.Free(heap.Allocate(100));
            bool isFound = false;
            try
            {
                heap.Free((void*)wrong, 100);
                _ = heap.Trim();
            }
            catch (InvalidFreeException)
            {
                isFound = true;
            }

            Assert.True(isFound);
        }

        heap.Free(block);
        CheckWholeAndEmpty(heap);
    }

    /// <summary>Who frees rightly does not pay for who did not: his block is freed, and he is told nothing.</summary>
    [Fact]
    public void Where_the_caller_is_trusted_a_wrong_free_is_not_told_to_another()
    {
        using NativeHeap heap = new(new NativeHeapOptions { TrustCaller = true });
        var blocks = new nuint[20_000];           // beyond what magazines and depot hold: they are emptied on the way
        foreach (ref nuint block in blocks.AsSpan())
        {
            block = (nuint)heap.Allocate(64);
        }

        for (int i = 0; i < blocks.Length; i++)
        {
            heap.Free((void*)blocks[i]);
            if (i == 15_000)
            {
                heap.Free((void*)blocks[i]);
            }
        }

        Assert.Throws<InvalidFreeException>(() => heap.Trim());
        CheckWholeAndEmpty(heap);
    }

    [Fact]
    public void An_address_inside_a_large_block_is_called_that()
    {
        using NativeHeap heap = new();
        var block = (byte*)heap.Allocate(100_000);
        Assert.Equal(InvalidFreeReason.InteriorAddress, Assert.Throws<InvalidFreeException>(() => heap.Free(block + 4_096)).Reason);
        Assert.Equal(InvalidFreeReason.InteriorAddress, Assert.Throws<InvalidFreeException>(() => heap.GetSize(block + 8)).Reason);
        heap.Free(block);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => heap.Free(block + 4_096)).Reason);
    }

    /// <summary>Blocks that are missing in the thread's magazines: a free goes there, and not to the slabs.</summary>
    private static void*[] LeaveRoom(NativeHeap heap, int size)
    {
        var live = new void*[4];
        for (int i = 0; i < live.Length; i++)
        {
            live[i] = heap.Allocate((nuint)size);
        }

        return live;
    }

    private static void FreeAll(NativeHeap heap, void*[] blocks)
    {
        foreach (void* block in blocks)
        {
            heap.Free(block);
        }
    }

    private static void CheckWholeAndEmpty(NativeHeap heap)
    {
        heap.Validate();
        Assert.Equal((0, 0u), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().InUse));
        _ = heap.Trim();
        Assert.Equal((0u, 0), (heap.GetStatistics().Held, heap.GetStatistics().Slabs));
        heap.Validate();
    }
}
