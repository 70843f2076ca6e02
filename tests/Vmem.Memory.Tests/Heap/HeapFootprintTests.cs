using Vmem.Memory.Tests.Platform;
using Vmem.Memory.Tests.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>How much memory a heap takes for what its user holds.</summary>
public sealed unsafe class HeapFootprintTests : IDisposable
{
    private const nuint Space = 77 << 20;

    private readonly OwnWindow _own = new();

    public void Dispose() => _own.Dispose();

    /// <summary>Three blocks of each of 36 sizes, 18 KB: a slab for each would take 36 pages.</summary>
    [Fact]
    public void A_few_blocks_of_each_size_share_pages()
    {
        using NativeHeap heap = Create();
        List<nuint> blocks = [];
        for (nuint size = 32; size < 1_024; size += size < 128 ? 16u : size / 8 & ~(nuint)15)
        {
            for (int i = 0; i < 3; i++)
            {
                var block = (byte*)heap.Allocate(size);
                new Span<byte>(block, (int)size).Fill(1);
                blocks.Add((nuint)block);
            }
        }

        nuint inUse = heap.GetStatistics().InUse;
        Assert.InRange(Resident(heap), inUse, inUse + (2 * VirtualMemory.PageSize));
        blocks.ForEach(block => heap.Free((void*)block));
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    /// <summary>Sizes that come one after the other use the same memory, though blocks of each remain in the thread's magazine: it gives
    /// them back before the heap grows.</summary>
    [Fact]
    public void One_size_after_the_other_uses_the_same_memory()
    {
        const nuint Bytes = 4 << 20;
        using NativeHeap heap = Create();
        nuint most = 0;
        foreach (nuint size in (nuint[])[64, 200, 1_000, 3_000, 8_000, 20_000, 32_000])
        {
            List<nuint> blocks = [];
            for (nuint done = 0; done < Bytes; done += size)
            {
                var block = (byte*)heap.Allocate(size);
                new Span<byte>(block, (int)size).Fill(1);
                blocks.Add((nuint)block);
            }

            blocks.ForEach(block => heap.Free((void*)block));
            most = nuint.Max(most, Resident(heap));
        }

        // A ninth for rounding, an eighth for the ends of slabs; it was the double where slabs were kept.
        Assert.InRange(most, Bytes, Bytes + (Bytes / 4));
    }

    [Fact]
    public void Huge_pages_are_asked_for_where_they_are_wanted()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs Linux, which says in /proc/self/smaps how much memory is resident");
        using NativeHeap heap = new(new NativeHeapOptions { HugePages = true, Limit = Space });
        using NativeHeap plain = new(new NativeHeapOptions { Limit = Space });
        void* block = heap.AllocateZeroed(8 << 20);
        void* other = plain.AllocateZeroed(8 << 20);
        Assert.SkipUnless(VirtualMemory.TryAdviseHuge(block, 8 << 20), "needs huge pages: this system gives none (Linux: /sys/kernel/mm/transparent_hugepage/enabled)");
        Assert.Equal((true, false), (ProcessMap.FlagsOf(block).Contains("hg"), ProcessMap.FlagsOf(other).Contains("hg")));
        Assert.True(Pattern.IsZero(block, 8 << 20));
        heap.Free(block);
        heap.Validate();
    }

    [Fact]
    public void Every_allocation_and_free_is_counted()
    {
        using NativeHeap heap = Create();
        long allocations = 0;
        List<nuint> blocks = [];
        foreach (nuint size in (nuint[])[10, 72, 500, 5_000, 30_000, 100_000])
        {
            for (int i = 0; i < 300; i++, allocations++)
            {
                blocks.Add((nuint)(i % 3 == 0 ? heap.AllocateZeroed(size) : heap.Allocate(size)));
            }
        }

        Assert.Equal((allocations, 0), (heap.GetStatistics().Allocations, heap.GetStatistics().Frees));
        blocks.ForEach(block => heap.Free((void*)block));
        Assert.Equal((allocations, allocations), (heap.GetStatistics().Allocations, heap.GetStatistics().Frees));
        _ = heap.Trim();
        Assert.Equal((allocations, allocations), (heap.GetStatistics().Allocations, heap.GetStatistics().Frees));
    }

    [Fact]
    public void With_debugging_they_are_counted_too()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Default });
        void* block = heap.Allocate(100);
        void* large = heap.Allocate(100_000);
        heap.Free(block);
        Assert.Equal((2, 1), (heap.GetStatistics().Allocations, heap.GetStatistics().Frees));
        heap.Free(large);
    }

    /// <summary>In memory that no heap has had before.</summary>
    private NativeHeap Create() => _own.NewHeap(new NativeHeapOptions { Limit = Space, Debugging = HeapDebugging.None });

    /// <summary>All that the heap has in memory.</summary>
    private static nuint Resident(NativeHeap heap) => heap.GetStatistics().Resident;
}
