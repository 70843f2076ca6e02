using Vmem.Caching;
using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Window;
using Vmem.Memory.Window;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Large blocks of at most 1 MiB stay with the thread that frees them, checked as all others, and go back.</summary>
public unsafe class PageRunTests
{
    private const nuint Megabyte = 1 << 20;

    public static TheoryData<int> Sizes => [32_769, 40_000, 65_536, 65_537, 100_000, 300_000, 524_289, 1_000_000, 1_048_576];

    [Fact]
    public void Classes_are_whole_pages_and_waste_less_than_a_ninth()
    {
        nuint before = SizeClasses.Largest;
        for (int run = 0; run < RunClasses.Count; run++)
        {
            nuint size = RunClasses.SizeOf(run);
            Assert.Equal((run, run), (RunClasses.Of(before + 1), RunClasses.Of(size)));
            Assert.True(size % 4_096 == 0 && size > before && (size - before) * 9 <= size, $"{before}, {size}");
            Assert.InRange(RunClasses.Rounds(run), 1, 4);
            before = size;
        }

        Assert.Equal(RunClasses.Largest, before);
        Assert.True(RunClasses.Contains(32_769) && RunClasses.Contains(before));
        Assert.False(RunClasses.Contains(32_768) || RunClasses.Contains(before + 1) || RunClasses.Contains(0));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void What_is_freed_is_what_comes_next(int size)
    {
        using NativeHeap heap = NewHeap();
        void* block = heap.Allocate((nuint)size);
        nuint length = heap.GetSize(block);
        for (int i = 0; i < 1_000; i++)
        {
            heap.Free(block, (nuint)size);
            NativeHeapStatistics free = heap.GetStatistics();
            Assert.Equal((0u, length, length, 0, 0), (free.InUse, free.Cached, free.Held, free.LiveBlocks, free.LargeBlocks));
            Assert.Equal((nuint)block, (nuint)heap.Allocate((nuint)size));
        }

        NativeHeapStatistics used = heap.GetStatistics();
        Assert.Equal((length, 0u, 1, 1, 1_001), (used.InUse, used.Cached, used.LiveBlocks, used.LargeBlocks, used.Allocations));
        heap.Validate();
        heap.Free(block);
        heap.Validate();
        Assert.True(heap.Trim() >= 0 && heap.GetStatistics() is { Held: 0, Cached: 0 });
        heap.Validate();
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Wrong_frees_are_found_and_change_nothing(int size)
    {
        using NativeHeap heap = NewHeap();
        using NativeHeap other = NewHeap();
        byte* kept = (byte*)heap.Allocate((nuint)size);
        byte* block = (byte*)heap.Allocate((nuint)size);
        nuint length = heap.GetSize(block);
        for (nuint offset = 1; offset < length; offset += 1 + (offset / 3))
        {
            Refuse(heap, () => heap.Free(block + offset), InvalidFreeReason.InteriorAddress);
        }

        Refuse(heap, () => heap.Free(block + 4_096), InvalidFreeReason.InteriorAddress);
        Refuse(heap, () => heap.Free(block, length + 1), InvalidFreeReason.WrongSize);
        Refuse(heap, () => other.Free(block), InvalidFreeReason.OtherOwner);
        heap.Free(block);
        for (int round = 0; round < 2; round++)
        {
            foreach (Action wrong in (Action[])
                [() => heap.Free(block), () => heap.Free(block, (nuint)size), () => heap.GetSize(block),
                    () => heap.Reallocate(block, 5), () => heap.Free(block + 4_096), () => heap.Free(block + 8)])
            {
                Refuse(heap, wrong, InvalidFreeReason.AlreadyFree);
            }

            Assert.False(heap.Owns(block) || heap.Owns(block + 5_000));
            _ = heap.Trim();                      // in the magazine before, and not afterwards
        }

        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
        heap.Free(kept);
    }

    [Fact]
    public void Of_two_threads_that_free_one_block_at_once_one_is_refused()
    {
        using NativeHeap heap = NewHeap();
        for (int round = 0; round < 300; round++)
        {
            nuint[] blocks = [.. Enumerable.Range(0, 10).Select(_ => (nuint)heap.Allocate(50_000))];
            int refused = 0;
            Parallel.For(0, 3, _ =>
            {
                foreach (nuint block in blocks)
                {
                    try
                    {
                        heap.Free((void*)block);
                    }
                    catch (InvalidFreeException)
                    {
                        _ = Interlocked.Increment(ref refused);
                    }
                }
            });
            Assert.Equal(2 * blocks.Length, refused);
        }

        heap.Validate();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    /// <summary>Threads that come when all is granted go on without.</summary>
    [Fact]
    public void What_threads_keep_is_bounded()
    {
        using NativeHeap heap = NewHeap();
        using Barrier all = new(80);
        Thread[] threads = [.. Enumerable.Range(0, 80).Select(_ => new Thread(() =>
        {
            void* block = heap.Allocate(Megabyte);
            all.SignalAndWait();
            heap.Free(block);
            heap.Free(heap.Allocate(Megabyte));
            all.SignalAndWait();
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(PageRuns.Most, heap.GetStatistics().Cached);
        heap.Validate();
        _ = heap.Trim();
        Assert.Equal((0u, 0u), (heap.GetStatistics().Cached, heap.GetStatistics().Held));
        heap.Free(heap.Allocate(Megabyte));
        Assert.Equal(Megabyte, heap.GetStatistics().Cached);      // the grants have come back
    }

    /// <remarks>In a window of its own: while the machine is short of memory, everything goes back at the end of an interval.</remarks>
    [Fact]
    public void What_nobody_used_for_an_interval_goes_back_and_the_rest_stays()
    {
        ManualTime time = new();
        using OwnWindow window = new();
        NativeHeap heap = window.NewHeap(new NativeHeapOptions { TimeProvider = time, Debugging = HeapDebugging.None });
        heap.Free(heap.Allocate(100_000));
        heap.Free(heap.Allocate(Megabyte));
        for (int interval = 0; interval < 3; interval++)
        {
            time.Advance(Upkeep.Interval);
            heap.Free(heap.Allocate(Megabyte));
        }

        Assert.Equal((Megabyte, Megabyte), (heap.GetStatistics().Cached, heap.GetStatistics().Held));
        time.Advance(Upkeep.Interval);
        time.Advance(Upkeep.Interval);
        Assert.Equal((0u, 0u), (heap.GetStatistics().Cached, heap.GetStatistics().Held));
        heap.Validate();
    }

    /// <summary>They go before a request fails, whichever thread keeps them.</summary>
    [Fact]
    public void A_heap_with_a_limit_has_all_of_it_for_any_request()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 32 * Megabyte, Debugging = HeapDebugging.None });
        Thread other = new(() => heap.Free(heap.Allocate(Megabyte)));
        other.Start();
        other.Join();
        heap.Free(heap.Allocate(300_000));
        Assert.InRange(heap.GetStatistics().Cached, Megabyte, 2 * Megabyte);
        heap.Free(heap.Allocate(32 * Megabyte));
        Assert.Equal(0u, heap.GetStatistics().Cached);
        int count = 0;
        while (heap.TryAllocate(100_000, out _))
        {
            count++;
        }

        Assert.True(count >= 32 * 1_048_576 / 106_496);
        heap.Validate();
    }

    [Fact]
    public void A_heap_that_shall_keep_nothing_keeps_none()
    {
        using NativeHeap heap = new(new NativeHeapOptions { RetainedBytes = 0, Debugging = HeapDebugging.None });
        heap.Free(heap.Allocate(100_000));
        Assert.Equal((0u, 0u, 0u), (heap.GetStatistics().Cached, heap.GetStatistics().Held, heap.GetStatistics().Dirty));
        using NativeHeap little = new(new NativeHeapOptions { RetainedBytes = Megabyte, Debugging = HeapDebugging.None });
        nuint[] blocks = [.. Enumerable.Range(0, 100).Select(i => (nuint)little.Allocate((nuint)(33_000 + (i * 5_000))))];
        foreach (nuint block in blocks)
        {
            little.Free((void*)block);
        }

        Assert.InRange(little.GetStatistics().Cached + little.GetStatistics().Dirty, 1u, Megabyte);
    }

    /// <summary>An array that grows frees a run of each length: what it leaves does not stay while the heap takes fresh pages.</summary>
    /// <remarks>In a window of its own: in the one of the process a heap also counts pages that another has left dirty there.</remarks>
    [Fact]
    public void What_a_growing_array_leaves_behind_serves_it_again()
    {
        using AddressWindow window = new(new MemoryBudget(nuint.MaxValue));
        using HeapLayers layers = new(window, new NativeHeapOptions(), HeapDebugging.None);
        PlainHeap heap = layers.Plain;
        nuint block = 0;
        nuint freed = 0;
        for (nuint size = 34_000; size < Megabyte; size += size / 8)
        {
            nuint longer = heap.Take(size, 1, clear: false, out _);
            new Span<byte>((void*)longer, (int)size).Fill(1);
            if (block != 0)
            {
                heap.Free(block, size: null);
            }

            freed += size;
            block = longer;
        }

        Assert.True(freed > 8 * Megabyte);
        Assert.True(heap.TryCount(out NativeHeapStatistics statistics));
        Assert.InRange(statistics.Dirty + statistics.Cached, 1u, 4 * Megabyte);
        heap.Validate();
        heap.Free(block, size: null);
    }

    /// <summary>Their pages are another heap's then, and so are the addresses.</summary>
    [Fact]
    public void Runs_of_a_heap_that_ended_mean_nothing_to_the_next()
    {
        nuint[] old;
        using (NativeHeap first = NewHeap())
        {
            old = [.. Enumerable.Range(0, 40).Select(i => (nuint)first.Allocate((nuint)(40_000 + (i * 4_096))))];
            foreach (nuint block in old.Take(20))
            {
                first.Free((void*)block);
            }
        }

        using NativeHeap heap = NewHeap();
        byte* large = (byte*)heap.Allocate(60 * Megabyte);

        // The new block may begin where any of the old ones did, according to what other heaps left: that address is one to free.
        foreach (nuint block in old.Where(block => block != (nuint)large))
        {
            Assert.Throws<InvalidFreeException>(() => heap.Free((void*)block));
        }

        heap.Free(large);
    }

    [Fact]
    public void A_run_that_was_kept_is_zeroed_for_who_asks()
    {
        using NativeHeap heap = NewHeap();
        void* block = heap.Allocate(100_000);
        new Span<byte>(block, 100_000).Fill(1);
        heap.Free(block);
        void* zeroed = heap.AllocateZeroed(100_000);
        Assert.Equal((nuint)block, (nuint)zeroed);
        Assert.Equal(-1, new Span<byte>(zeroed, (int)heap.GetSize(zeroed)).IndexOfAnyExcept((byte)0));
        heap.Free(zeroed);
    }

    [Fact]
    public void A_run_that_is_resized_is_checked_as_what_it_is_then()
    {
        using NativeHeap heap = NewHeap();
        byte* block = (byte*)heap.Allocate(100_000);
        nuint[] sizes = [700_000, 1_200_000, 3_000_000, 900_000, 50_000, 55_000, 200_000];
        foreach (nuint size in sizes)
        {
            Pattern.Write(block, 50_000, 3);
            byte* next = (byte*)heap.Reallocate(block, size);
            Assert.True(heap.GetSize(next) >= size && Pattern.Holds(next, 50_000, 3));
            Refuse(heap, () => heap.Free(next + 4_096), InvalidFreeReason.InteriorAddress);
            block = next;
            heap.Validate();
        }

        heap.Free(block);
        Refuse(heap, () => heap.Free(block), InvalidFreeReason.AlreadyFree);
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    [Fact]
    public void Threads_at_work_while_others_trim_lose_nothing()
    {
        using NativeHeap heap = NewHeap();
        using CancellationTokenSource done = new();
        Thread trimmer = new(() =>
        {
            while (!done.IsCancellationRequested)
            {
                _ = heap.Trim();
                _ = heap.GetStatistics();
                heap.Validate();
            }
        });
        trimmer.Start();
        Parallel.For(0, 4, thread =>
        {
            Random random = new(thread);
            List<(nuint Block, nuint Size, int Mark)> live = [];
            for (int i = 0; i < 4_000; i++)
            {
                if (live.Count > 8 || (live.Count > 0 && random.Next(2) == 0))
                {
                    int index = random.Next(live.Count);
                    (nuint block, nuint size, int mark) = live[index];
                    Assert.True(*(int*)block == mark && *(int*)(block + size - 4) == mark);
                    Assert.Throws<InvalidFreeException>(() => heap.Free((void*)(block + 4_096)));
                    heap.Free((void*)block);
                    live[index] = live[^1];
                    live.RemoveAt(live.Count - 1);
                }
                else
                {
                    nuint size = (nuint)random.Next(33_000, 1_100_000);
                    nuint block = (nuint)heap.Allocate(size);
                    *(int*)block = *(int*)(block + size - 4) = (thread * 10_000) + i;
                    live.Add((block, size, (thread * 10_000) + i));
                }
            }

            live.ForEach(it => heap.Free((void*)it.Block));
        });
        done.Cancel();
        trimmer.Join();
        heap.Validate();
        Assert.Equal((0, 0u), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().InUse));
        _ = heap.Trim();
        Assert.Equal(0u, heap.GetStatistics().Held);
    }

    private static NativeHeap NewHeap() => new(new NativeHeapOptions { Debugging = HeapDebugging.None });

    private static void Refuse(NativeHeap heap, Action wrong, InvalidFreeReason reason)
    {
        NativeHeapStatistics before = heap.GetStatistics();
        Assert.Equal(reason, Assert.Throws<InvalidFreeException>(wrong).Reason);
        Assert.Equal(before, heap.GetStatistics());
    }
}
