using Vmem.Caching;
using Vmem.Memory.Tests.Window;
using Vmem.Platform;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The end of heaps, and what comes after it in the same place.</summary>
public unsafe class HeapDisposalTests
{
    [Fact]
    public void Calls_after_the_end_are_refused()
    {
        // More than are kept for others: the spaces of some are gone.
        NativeHeap[] heaps = [.. Enumerable.Range(0, 8).Select(_ => new NativeHeap())];
        nuint[] blocks = [.. heaps.Select(heap => (nuint)heap.Allocate(100))];
        nuint[] large = [.. heaps.Select(heap => (nuint)heap.Allocate(100_000))];
        Array.ForEach(heaps, heap => heap.Dispose());
        for (int i = 0; i < heaps.Length; i++)
        {
            CheckIsGone(heaps[i], blocks[i]);
            CheckIsGone(heaps[i], large[i]);
            heaps[i].Dispose();
        }
    }

    /// <summary>The next heap has the same space, and blocks where the old one had its own. The old one still says that it is
    /// gone.</summary>
    [Fact]
    public void A_space_that_is_used_again_is_the_new_heaps_alone()
    {
        for (int round = 0; round < 20; round++)
        {
            NativeHeap old = new();
            nuint[] blocks = [.. Enumerable.Range(0, 200).Select(i => (nuint)old.Allocate((nuint)(i * 300)))];
            old.Free((void*)blocks[7]);
            old.Dispose();
            using NativeHeap heap = new();
            Assert.Equal((0, 0u, 0u), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().Held, heap.GetStatistics().Cached));
            foreach (nuint block in blocks)
            {
                Assert.False(heap.Owns((void*)block));
                Assert.Throws<InvalidFreeException>(() => heap.Free((void*)block));
                Assert.Throws<InvalidFreeException>(() => heap.GetSize((void*)block));
            }

            HashSet<nuint> fresh = [.. Enumerable.Range(0, 200).Select(i => (nuint)heap.Allocate((nuint)(i * 300)))];
            Assert.Equal(200, fresh.Count);
            CheckIsGone(old, fresh.First());
            CheckIsGone(old, fresh.Last());
            heap.Validate();
            Assert.Equal(200, heap.GetStatistics().LiveBlocks);
        }
    }

    [Fact]
    public void A_heap_that_ends_with_live_blocks_does_not_touch_others()
    {
        using NativeHeap steady = new();
        nuint[] kept = [.. Enumerable.Range(0, 300).Select(i => (nuint)steady.Allocate((nuint)(i * 111)))];
        for (int i = 0; i < kept.Length; i++)
        {
            Pattern.Write((void*)kept[i], steady.GetSize((void*)kept[i]), i);
        }

        for (int round = 0; round < 30; round++)
        {
            NativeHeap other = new(new NativeHeapOptions { Limit = (nuint)(1 + (round % 7)) << 26 });
            for (int i = 0; i < 500; i++)
            {
                void* block = other.Allocate((nuint)(i * 57));
                Pattern.Write(block, other.GetSize(block), -1);
            }

            other.Dispose();
            steady.Free(steady.Allocate((nuint)round * 1_000));
        }

        steady.Validate();
        for (int i = 0; i < kept.Length; i++)
        {
            Assert.True(Pattern.Holds((void*)kept[i], steady.GetSize((void*)kept[i]), i));
        }
    }

    /// <summary>The upkeep works on a thread of its own: a heap's end waits for it, and does not pull its tables away.</summary>
    [Fact]
    public void The_upkeep_may_be_at_work_when_a_heap_ends()
    {
        for (int round = 0; round < 60; round++)
        {
            ManualTime time = new();
            NativeHeap heap = new(new NativeHeapOptions { Limit = 80 << 20, TimeProvider = time });
            for (int i = 0; i < 8; i++)
            {
                new Span<byte>(heap.Allocate(1 << 20), 1 << 20).Fill(1);        // still the heap's when it ends
                heap.Free(heap.Allocate((nuint)i * 3_500));
            }

            Exception? fault = null;
            using Barrier start = new(2);
            Thread upkeep = new(() =>
            {
                start.SignalAndWait(TestContext.Current.CancellationToken);
                try
                {
                    time.Advance(Upkeep.Interval * 4);
                }
                catch (Exception e)
                {
                    fault = e;
                }
            });
            upkeep.Start();
            start.SignalAndWait(TestContext.Current.CancellationToken);
            Thread.SpinWait(round * 300);
            heap.Dispose();
            upkeep.Join();
            Assert.Null(fault);
        }
    }

    /// <summary>The old heap ends while an allocation of it waits for the system, and a new one begins in its space: what the allocation
    /// then gives back, because the system refused, is not the new heap's.</summary>
    [Fact]
    public void A_call_that_is_under_way_when_its_heap_ends_does_not_reach_the_next_one()
    {
        // Nothing that other heaps left is committed: some of it must be.
        using OwnWindow own = new();
        const nuint Large = 150 << 20;
        NativeHeapOptions options = new() { Limit = 200 << 20 };
        NativeHeap old = own.NewHeap(options);
        NativeHeap? next = null;
        nuint block = 0;
        using (SystemCallFault.Inject(call =>
        {
            if (call != SystemCall.Commit || next is not null)
            {
                return false;
            }

            old.Dispose();
            next = own.NewHeap(options);
            block = (nuint)next.Allocate(1 << 20);
            return true;
        }))
        {
            try
            {
                Assert.False(old.TryAllocate(Large, out _));
            }
            catch (ObjectDisposedException)
            {
                // It may have noticed.
            }
        }

        Assert.Equal((nuint)1 << 20, next!.GetSize((void*)block));
        next.Dispose();
    }

    [Fact]
    public void The_shared_heap_has_no_end()
    {
        void* block = NativeHeap.Shared.Allocate(100);
        Assert.Throws<InvalidOperationException>(NativeHeap.Shared.Dispose);
        Assert.Same(NativeHeap.Shared, NativeHeap.Shared);
        NativeHeap.Shared.Free(block);
        NativeHeap.Shared.Free(NativeHeap.Shared.Allocate(100_000));
        NativeHeap.Shared.Validate();
    }

    private static void CheckIsGone(NativeHeap heap, nuint block)
    {
        Assert.Throws<ObjectDisposedException>(() => heap.Allocate(100));
        Assert.Throws<ObjectDisposedException>(() => heap.TryAllocate(100_000, out _));
        Assert.Throws<ObjectDisposedException>(() => heap.AllocateZeroed(100));
        Assert.Throws<ObjectDisposedException>(() => heap.AllocateAligned(100, 64));
        Assert.Throws<ObjectDisposedException>(() => heap.Free((void*)block));
        Assert.Throws<ObjectDisposedException>(() => heap.Free((void*)block, 100));
        Assert.Throws<ObjectDisposedException>(() => heap.Reallocate((void*)block, 200));
        Assert.Throws<ObjectDisposedException>(() => heap.GetSize((void*)block));
        Assert.Throws<ObjectDisposedException>(() => heap.GetStatistics());
        Assert.Throws<ObjectDisposedException>(() => heap.GetSizeClasses());
        Assert.Throws<ObjectDisposedException>(heap.Validate);
        Assert.Throws<ObjectDisposedException>(() => heap.Trim());
        Assert.False(heap.Owns((void*)block));
    }
}
