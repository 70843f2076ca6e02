using Vmem.Memory.Platform;
using Vmem.Memory.Tests.Platform;
using Vmem.Memory.Window;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>What happens when there is no more.</summary>
public unsafe class LimitTests
{
    private const nuint Megabyte = 1 << 20;

    [Theory]
    [InlineData(16)]
    [InlineData(1_000)]
    [InlineData(30_000)]
    [InlineData(100_000)]
    public void At_its_limit_a_heap_is_whole_and_works_again_after_frees(int size)
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 8 * Megabyte });
        for (int round = 0; round < 3; round++)
        {
            Stack<nuint> blocks = new();
            while (heap.TryAllocate((nuint)size, out void* block))
            {
                Pattern.Write(block, (nuint)size, blocks.Count);
                blocks.Push((nuint)block);
            }

            Assert.True((nuint)(blocks.Count * size) >= 6 * Megabyte, $"{blocks.Count} blocks of {size} bytes fitted.");
            Assert.ThrowsAny<OutOfMemoryException>(() => heap.Allocate((nuint)size));
            Assert.ThrowsAny<OutOfMemoryException>(() => heap.AllocateZeroed((nuint)size));
            Assert.ThrowsAny<OutOfMemoryException>(() => heap.AllocateAligned((nuint)size, 16));
            Assert.Equal(blocks.Count, heap.GetStatistics().LiveBlocks);
            heap.Validate();
            heap.Free((void*)blocks.Pop());
            blocks.Push((nuint)heap.Allocate((nuint)size));
            Pattern.Write((void*)blocks.Peek(), (nuint)size, blocks.Count - 1);
            while (blocks.TryPop(out nuint block))
            {
                Assert.True(Pattern.Holds((void*)block, (nuint)size, blocks.Count));
                heap.Free((void*)block);
            }

            Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        }

        heap.Validate();
    }

    /// <summary>What lies in magazines and slabs of one size serves every other before a request is refused.</summary>
    [Fact]
    public void What_is_cached_does_not_make_a_heap_full()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 8 * Megabyte });
        for (nuint size = 16; size <= 7 * Megabyte; size *= 2)
        {
            Stack<nuint> blocks = new();
            while (heap.TryAllocate(size, out void* block))
            {
                blocks.Push((nuint)block);
            }

            Assert.True((nuint)blocks.Count * size >= 4 * Megabyte, $"{blocks.Count} blocks of {size} bytes fitted.");
            while (blocks.TryPop(out nuint block))
            {
                heap.Free((void*)block);
            }
        }

        heap.Validate();
    }

    /// <summary>Room for sixteen slabs, and more classes than that: none gets a slab that it would leave nearly empty.</summary>
    [Theory]
    [InlineData(1, 1_000, 94)]
    [InlineData(16, 5_000, 70)]
    [InlineData(500, 1_000, 70)]
    [InlineData(1, 60, 70)]
    public void A_small_limit_is_used_by_blocks_of_all_sizes(int least, int most, int percent)
    {
        for (int seed = 1; seed <= 10; seed++)
        {
            using NativeHeap heap = new(new NativeHeapOptions { Limit = Megabyte, Debugging = HeapDebugging.None });
            Random random = new(seed);
            List<(nuint Block, int Size)> blocks = [];
            nuint used = 0;
            for (int size = 1; heap.TryAllocate((nuint)(size = random.Next(least, most + 1)), out void* block); used += (nuint)size)
            {
                Pattern.Write(block, (nuint)size, blocks.Count);
                blocks.Add(((nuint)block, size));
            }

            Assert.True(used >= Megabyte * (nuint)percent / 100, $"{used} bytes were in use (seed {seed}).");
            heap.Validate();
            for (int i = 0; i < blocks.Count; i++)
            {
                Assert.True(Pattern.Holds((void*)blocks[i].Block, (nuint)blocks[i].Size, i));
                heap.Free((void*)blocks[i].Block);
                Assert.Throws<InvalidFreeException>(() => heap.Free((void*)blocks[i].Block));
            }

            Assert.Equal(0, heap.GetStatistics().LiveBlocks);
            heap.Trim();
            Assert.Equal(0u, heap.GetStatistics().Held);
        }
    }

    /// <summary>A class that gets no slab serves requests with an alignment all the same.</summary>
    [Fact]
    public void A_small_limit_is_used_by_aligned_blocks()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = Megabyte, Debugging = HeapDebugging.None });
        nuint used = 0;
        for (nuint size = 64; heap.TryAllocateAligned(size, 64, out void* block); size = size == 2_048 ? 64 : size + 64)
        {
            Assert.Equal(0u, (nuint)block % 64);
            used += size;
        }

        Assert.True(used >= Megabyte * 7 / 10, $"{used} bytes were in use.");
    }

    /// <summary>To refuse what could never be met, nothing is given up.</summary>
    /// <summary>It is the limit that says no, and not the system.</summary>
    [Fact]
    public void A_limit_of_less_than_a_page_is_named_as_what_refuses()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Name = "tiny", Limit = 1 });
        InsufficientMemoryException fault = Assert.Throws<InsufficientMemoryException>(() => (nint)heap.Allocate(1));
        Assert.Equal("Heap 'tiny' has no 1 bytes: it uses 0 of the 1 bytes of its NativeHeapOptions.Limit.", fault.Message);
    }

    [Fact]
    public void A_request_beyond_the_heap_empties_no_magazines()
    {
        using NativeHeap heap = new();
        for (int i = 0; i < 100; i++)
        {
            heap.Free(heap.Allocate(100));        // past the starter arena
        }

        nuint cached = heap.GetStatistics().Cached;
        Assert.False(heap.TryAllocate(nuint.MaxValue, out _) || heap.TryAllocate(heap.GetStatistics().Reserved + 1, out _));
        Assert.ThrowsAny<OutOfMemoryException>(() => heap.AllocateAligned(1, (nuint)1 << 63));
        Assert.True(cached > 0);
        Assert.Equal(cached, heap.GetStatistics().Cached);
    }

    /// <summary>While memory goes back to the system, it is still the heap's: nobody is refused because of it.</summary>
    [Fact]
    public void Nobody_is_refused_while_another_thread_trims()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 64 * Megabyte });
        heap.Free(heap.Allocate(40 * Megabyte));
        bool isMet = false;
        Thread asker = new(() =>
        {
            isMet = heap.TryAllocate(40 * Megabyte, out void* block);
            heap.Free(block);
        });
        using (SystemCallFault fault = SystemCallFault.Inject(SecondThread.AtDiscard(asker)))
        {
            _ = heap.Trim();
            Assert.True(fault.Count(SystemCall.Decommit) > 0);
        }

        asker.Join();
        Assert.True(isMet);
        heap.Validate();
    }

    /// <summary>A thousand holes go back: who wants figures waits for some of them, not for all.</summary>
    [Fact]
    public void Nobody_waits_for_all_of_a_trim()
    {
        using NativeHeap heap = new();
        nuint[] blocks = [.. Enumerable.Range(0, 2_000).Select(_ => (nuint)heap.Allocate(40_000))];
        for (int i = 0; i < blocks.Length; i += 2)
        {
            heap.Free((void*)blocks[i]);
        }

        int discarded = 0;
        int seen = 0;
        Thread asker = new(() =>
        {
            _ = heap.GetStatistics();
            Volatile.Write(ref seen, Volatile.Read(ref discarded));
        });
        using (SystemCallFault.Inject(call =>
        {
            if (call == SystemCall.Discard)
            {
                _ = Interlocked.Increment(ref discarded);
                _ = SecondThread.Start(asker, isDue: true);
                SecondThread.Settle(asker);       // who has the lock, or comes for it once more, is let run
                Thread.Sleep(1);                  // a lock hands itself to who has waited for a tenth of a second
            }

            return false;
        }))
        {
            _ = heap.Trim();
        }

        asker.Join();
        Assert.InRange(seen, 1, discarded - 100);
        heap.Validate();
    }

    [Fact]
    public void A_limit_on_the_address_space_is_out_of_memory_and_harms_nothing()
    {
        (int exitCode, string output) = ChildProcess.RunAtALimit(typeof(LimitTests), nameof(Run_out_of_address_space));
        Assert.True(exitCode == 0, output);
    }

    /// <summary>The window takes a part of what there is and grows; blocks fill it; other heaps, each of which needs a unit of it, use all
    /// that comes back.</summary>
    [Fact(Explicit = true)]
    public void Run_out_of_address_space()
    {
        SystemLimits limits = SystemLimits.Get(SystemLimits.AddressSpace);
        SystemLimits.Set(SystemLimits.AddressSpace, limits with { Current = (nuint)ProcessMap.TotalSize + (400 * Megabyte) });
        NativeHeap heap = new();
        Assert.InRange(heap.GetStatistics().Reserved, 32 * Megabyte, 400 * Megabyte);
        List<nuint> blocks = [];
        while (heap.TryAllocate(Megabyte, out void* block))
        {
            *(byte*)block = 1;
            blocks.Add((nuint)block);
        }

        // The runtime takes of the 400 MB as well: threads, their stacks and malloc's arenas.
        Assert.True(blocks.Count > 150, $"{blocks.Count} of 400 MB could be had.");
        while (heap.TryAllocate(1_000, out void* block))
        {
            *(byte*)block = 1;
            blocks.Add((nuint)block);
        }

        Assert.True((nuint)blocks.Count >= heap.GetStatistics().Reserved / Megabyte * 9 / 10);
        Assert.ThrowsAny<OutOfMemoryException>(() => heap.Allocate(Megabyte));
        heap.Validate();
        foreach (nuint block in blocks)
        {
            heap.Free((void*)block);
        }

        heap.Free(heap.Allocate(Megabyte));
        _ = heap.Trim();
        Assert.Equal(0u, heap.GetStatistics().Held);
        int units = (int)(heap.GetStatistics().Reserved / CommitMap.Unit);
        NativeHeap[] more = [.. Enumerable.Range(0, units).Select(_ => new NativeHeap())];
        Array.ForEach(more, other => other.Free(other.Allocate(1_000)));
        Array.ForEach(more, other => other.Dispose());
        heap.Dispose();
        SystemLimits.Set(SystemLimits.AddressSpace, limits);
    }
}
