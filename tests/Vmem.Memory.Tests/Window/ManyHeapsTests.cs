using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Memory.Tests.Platform;
using Vmem.Memory.Window;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Window;

/// <summary>A process with many heaps, and with little address space.</summary>
[Collection(Footprint.Collection)]
public unsafe class ManyHeapsTests
{
    private const nuint Megabyte = 1 << 20;

    /// <summary>With what all share a heap is an object, and its end costs nothing that stays.</summary>
    [Fact]
    public void A_heap_that_is_not_used_is_one_small_object()
    {
        new NativeHeap().Dispose();
        nuint inUse = AddressWindow.Shared.InUse;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
        {
            new NativeHeap().Dispose();
        }

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1_000, 1, 1_024);
        Assert.InRange(AddressWindow.Shared.InUse, 0u, inUse);
    }

    [Theory]
    [InlineData(nameof(Run_a_hundred_thousand_heaps))]
    [InlineData(nameof(Run_heaps_with_little_address_space))]
    [InlineData(nameof(Run_heaps_that_are_dropped))]
    [Trait("Once", "Release")]
    public void Many_heaps_live_in_one_process(string run)
    {
        (int exitCode, string output) = ChildProcess.Run(typeof(ManyHeapsTests), run, ("VMEM_DEBUG", ""));
        Assert.True(exitCode == 0, output);
    }

    [Fact(Explicit = true)]
    public void Run_a_hundred_thousand_heaps()
    {
        const int Count = 100_000;
        List<(NativeHeap Heap, nuint Block)> heaps = [];
        for (int i = 0; i < Count; i++)
        {
            NativeHeap heap = new();
            byte* block = (byte*)heap.Allocate(100);
            *(int*)block = i;
            heaps.Add((heap, (nuint)block));
        }

        Assert.InRange(File.ReadLines("/proc/self/maps").Count(), 1, 20_000);
        Assert.Throws<InvalidFreeException>(() => heaps[1].Heap.Free((void*)heaps[2].Block));
        for (int i = 0; i < Count; i++)
        {
            Assert.Equal(i, *(int*)heaps[i].Block);
            heaps[i].Heap.Dispose();
        }

        Assert.Equal(0u, AddressWindow.Shared.InUse);
    }

    /// <summary>As under <c>ulimit -v</c>: heaps leave room for the runtime, for malloc and for threads, and find room if they need
    /// it.</summary>
    [Fact(Explicit = true)]
    public void Run_heaps_with_little_address_space()
    {
        SystemLimits limits = SystemLimits.Get(SystemLimits.AddressSpace);
        SystemLimits.Set(SystemLimits.AddressSpace, limits with { Current = (nuint)ProcessMap.TotalSize + (3_000 * Megabyte) });
        NativeHeap[] heaps = [new(), new(), new()];
        Array.ForEach(heaps, heap => heap.Free(heap.Allocate(1)));
        byte[][] arrays = [.. Enumerable.Range(0, 8).Select(_ => GC.AllocateUninitializedArray<byte>(100_000_000))];
        void* foreign = NativeMemory.Alloc(500 * Megabyte);
        Thread[] threads = [.. Enumerable.Range(0, 20).Select(_ => new Thread(() => Thread.Sleep(10)))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        NativeMemory.Free(foreign);
        GC.KeepAlive(arrays);
        nuint[] blocks = [.. Enumerable.Range(0, 600).Select(i => (nuint)heaps[i % 3].Allocate(Megabyte))];
        Assert.Equal(600, blocks.Distinct().Count());
        Array.ForEach(heaps, heap => heap.Dispose());
        SystemLimits.Set(SystemLimits.AddressSpace, limits);
    }

    /// <summary>Heaps to which nobody refers any more end by themselves, and nobody else's blocks with them.</summary>
    [Fact(Explicit = true)]
    public void Run_heaps_that_are_dropped()
    {
        using NativeHeap steady = new();
        nuint[] kept = [.. Enumerable.Range(0, 500).Select(i => (nuint)steady.Allocate((nuint)(i * 200)))];
        for (int i = 0; i < kept.Length; i++)
        {
            Heap.Pattern.Write((void*)kept[i], steady.GetSize((void*)kept[i]), i);
        }

        nuint inUse = AddressWindow.Shared.InUse;
        for (int round = 0; round < 5; round++)
        {
            Drop(200);
            for (int i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            Assert.InRange(AddressWindow.Shared.InUse, inUse, inUse + (20 * CommitMap.Unit));
        }

        Assert.All(Enumerable.Range(0, kept.Length), i =>
            Assert.True(Heap.Pattern.Holds((void*)kept[i], steady.GetSize((void*)kept[i]), i)));
        steady.Validate();
    }

    [Fact]
    public void A_block_of_another_heap_is_refused_and_the_reason_says_so()
    {
        using NativeHeap ours = new(new NativeHeapOptions { Name = "ours", Debugging = HeapDebugging.None });
        using NativeHeap theirs = new(new NativeHeapOptions { Name = "theirs", Debugging = HeapDebugging.None });
        for (int i = 0; i < 200; i++)             // past the starter arena
        {
            ours.Free(ours.Allocate(100));
            foreach (nuint size in (nuint[])[100, 5_000, 100_000])
            {
                void* block = theirs.Allocate(size);
                InvalidFreeException refusal = Assert.Throws<InvalidFreeException>(() => ours.Free(block));
                Assert.Equal(InvalidFreeReason.OtherOwner, refusal.Reason);
                Assert.Contains("'theirs'", refusal.Message, StringComparison.Ordinal);
                Assert.Equal(InvalidFreeReason.OtherOwner, Assert.Throws<InvalidFreeException>(() => ours.GetSize(block)).Reason);
                Assert.False(ours.Owns(block));
                theirs.Free(block);
            }
        }

        ours.Validate();
        theirs.Validate();
    }

    [Fact]
    public void A_request_beyond_the_machine_is_refused_and_keeps_nothing()
    {
        using NativeHeap heap = new();
        heap.Free(heap.Allocate(100));
        nuint inUse = AddressWindow.Shared.InUse;
        nuint committed = heap.GetStatistics().Committed;
        nuint machine = (nuint)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        Assert.False(heap.TryAllocate(2 * machine, out _));
        Assert.ThrowsAny<OutOfMemoryException>(() => heap.AllocateZeroed(machine + (64 * Megabyte)));
        Assert.InRange(AddressWindow.Shared.InUse, 0u, inUse);
        Assert.InRange(heap.GetStatistics().Committed, 0u, committed);
        heap.Validate();
    }

    /// <summary>The system refuses what the machine would have: what was taken for it goes back.</summary>
    [Fact]
    public void A_request_that_the_system_refuses_keeps_nothing()
    {
        using NativeHeap heap = new();
        heap.Free(heap.Allocate(100));
        nuint inUse = AddressWindow.Shared.InUse;
        using (SystemCallFault.Inject(call => call == SystemCall.Commit))
        {
            Assert.False(heap.TryAllocate(500 * Megabyte, out _));
        }

        Assert.InRange(AddressWindow.Shared.InUse, 0u, inUse);
        Assert.InRange(heap.GetStatistics().Committed, 0u, 2 * Megabyte);
    }

    [Fact]
    public void After_a_burst_and_a_trim_little_is_committed()
    {
        // What else the process has comes and goes meanwhile: the stack of a thread alone is 8 MB.
        const long Others = 100 * (long)Megabyte;
        Footprint.Clear();
        using NativeHeap heap = new();
        void* kept = heap.Allocate(3 * Megabyte);
        long before = WritableSize;
        nuint[] blocks = [.. Enumerable.Range(0, 1_024).Select(_ => (nuint)heap.Allocate(Megabyte))];
        Assert.True(heap.GetStatistics().Committed >= 1_024 * Megabyte && WritableSize - before > (1_024 * (long)Megabyte) - Others);
        Array.ForEach(blocks, block => heap.Free((void*)block));
        _ = heap.Trim();
        NativeHeapStatistics statistics = heap.GetStatistics();
        Assert.InRange(statistics.Committed, statistics.InUse, (statistics.InUse * 105 / 100) + (8 * Megabyte));
        Assert.InRange(WritableSize - before, -Others, Others);
        heap.Free(kept);
        heap.Validate();
    }

    [Fact]
    public void A_sparse_table_takes_memory_where_it_is_touched_the_second_time_too()
    {
        using NativeHeap heap = new();
        const nuint Size = 2_048 * Megabyte;
        for (int round = 0; round < 3; round++)
        {
            byte* table = (byte*)heap.AllocateZeroed(Size);
            for (nuint at = 0; at < Size; at += 8 * Megabyte)
            {
                Assert.Equal(0, table[at]);
                table[at] = 1;
            }

            Assert.InRange(heap.GetStatistics().Resident, Megabyte, 10 * Megabyte);
            heap.Free(table);
        }
    }

    /// <summary>VmData: what the system has promised, in bytes.</summary>
    private static long WritableSize =>
        1_024 * long.Parse(File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmData", StringComparison.Ordinal))
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Drop(int count)
    {
        for (int i = 0; i < count; i++)
        {
            NativeHeap heap = new();
            new Span<byte>(heap.Allocate(100_000), 100_000).Fill(1);
            _ = heap.Allocate(100);
        }
    }
}
