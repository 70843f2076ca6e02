using System.Runtime.CompilerServices;
using Vmem.Diagnostics;
using Vmem.Memory.Heap;
using Vmem.Memory.Platform;
using Vmem.Memory.Tests.Platform;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Threads that are interrupted while they wait for another within the heap.</summary>
[Collection(Footprint.Collection)]
public unsafe class HeapInterruptTests
{
    [Fact]
    public void An_allocation_that_is_interrupted_takes_nothing()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 307 << 20 });
        bool isInterrupted = false;
        Thread other = new(() => isInterrupted = Record.Exception(() => heap.Free(heap.Allocate(5 << 20))) is ThreadInterruptedException);
        using (SystemCallFault.Inject(call => StartAndInterrupt(other, call == SystemCall.Commit, join: true)))
        {
            heap.Free(heap.Allocate(5 << 20));
        }

        Assert.True(isInterrupted);
        CheckNothingIsTaken(heap);
    }

    [Fact]
    public void A_resize_that_is_interrupted_changes_nothing()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 309 << 20 });
        void* first = heap.Allocate(100_000);
        void* second = heap.AllocateAligned(1 << 20, 16 << 20);
        bool isInterrupted = false;
        Thread other = new(() => isInterrupted = Record.Exception(() => heap.Reallocate(second, 5 << 20)) is ThreadInterruptedException);
        using (SystemCallFault.Inject(call => StartAndInterrupt(other, call == SystemCall.Commit, join: true)))
        {
            first = heap.Reallocate(first, 5 << 20);
        }

        Assert.True(isInterrupted);
        Assert.Equal((nuint)1 << 20, heap.GetSize(second));
        heap.Free(first);
        heap.Free(second);
        CheckNothingIsTaken(heap);
    }

    /// <summary>The new place is had already when the old one cannot be given up: the block stays where it is, and nothing is
    /// lost.</summary>
    [Fact]
    public void A_move_that_is_interrupted_takes_nothing()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 311 << 20, Debugging = HeapDebugging.None });
        void* block = heap.Allocate(72);          // has no block in the starter arena: it is in a slab, and goes back to a magazine
        bool isInterrupted = false;
        Thread other = new(() => isInterrupted = Record.Exception(() => heap.Reallocate(block, 1_024)) is ThreadInterruptedException);
        MagazineTable magazines = PlainOf(heap).Magazines;
        magazines.Claim();
        _ = StartAndInterrupt(other, isDue: true, join: true);
        magazines.Release();
        Assert.True(isInterrupted);
        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
        heap.Free(block);
        CheckNothingIsTaken(heap);
    }

    /// <summary>A slab's last block is taken out before the next slab is waited for.</summary>
    [Fact]
    public void A_batch_that_is_interrupted_loses_no_block()
    {
        const int Size = 28_672;                  // nine in a slab of 256 KiB, and two in a batch
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 305 << 20 });
        List<nuint> blocks = [];
        for (int i = 0; i < 8; i++)
        {
            blocks.Add((nuint)heap.Allocate(Size));
        }

        // The rest of what is committed.
        blocks.Add((nuint)heap.Allocate((2 << 20) - (256 << 10)));
        Thread other = new(() => _ = Record.Exception(() => heap.Free(heap.Allocate(Size))));
        using (SystemCallFault.Inject(call => StartAndInterrupt(other, call == SystemCall.Commit, join: true)))
        {
            blocks.Add((nuint)heap.AllocateAligned(1 << 20, 64 << 20));
        }

        Assert.Equal(blocks.Count, heap.GetStatistics().LiveBlocks);
        blocks.ForEach(block => heap.Free((void*)block));
        CheckNothingIsTaken(heap);
    }

    /// <summary>There is no second Dispose: the first goes on to the end, and passes the interrupt on.</summary>
    [Fact]
    public void A_heap_is_disposed_of_to_the_end()
    {
        Footprint footprint = new();
        NativeHeap heap = new(new NativeHeapOptions { Limit = Footprint.Large });
        void* kept = heap.Allocate(70 << 20);     // more than is kept for another heap
        heap.Free(heap.Allocate(1 << 20));
        Exception? thrown = null;
        bool isPassedOn = false;
        Thread ender = new(() =>
        {
            thrown = Record.Exception(heap.Dispose);
            isPassedOn = Record.Exception(() => Thread.Sleep(1)) is ThreadInterruptedException;
        });
        using (SystemCallFault.Inject(call => StartAndInterrupt(ender, call == SystemCall.Discard, join: false)))
        {
            _ = heap.Trim();
        }

        ender.Join();
        Assert.True(kept is not null);
        Assert.Null(thrown);
        Assert.True(isPassedOn);
        footprint.CheckUnchanged();
    }

    /// <summary>Other heaps come and go meanwhile, and metrics are collected.</summary>
    [Theory]
    [InlineData("pool")]
    [InlineData("heaps")]
    [InlineData("arenas")]
    public void A_heap_that_waits_for_others_is_disposed_of_to_the_end(string wait)
    {
        Footprint footprint = new();
        NativeHeap heap = new(new NativeHeapOptions { Limit = Footprint.Large });
        heap.Free(heap.Allocate(1 << 20));
        Exception? thrown = null;
        bool isPassedOn = false;
        Thread ender = new(() =>
        {
            thrown = Record.Exception(heap.Dispose);
            isPassedOn = Record.Exception(() => Thread.Sleep(1)) is ThreadInterruptedException;
        });
        lock (wait == "pool" ? GateOf(ReservationPool.Shared) : wait == "heaps" ? LockOf(MemoryMetrics.Heaps) : VmemInternals.ArenaMetricsLock)
        {
            _ = StartAndInterrupt(ender, isDue: true, join: false);
        }

        ender.Join();
        Assert.Null(thrown);
        Assert.True(isPassedOn);
        _ = ReservationPool.Shared.ReleaseAll();
        footprint.CheckUnchanged();
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_plain")]
    private static extern ref PlainHeap PlainOf(NativeHeap heap);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_gate")]
    private static extern ref Lock GateOf(ReservationPool pool);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_lock")]
    private static extern ref Lock LockOf(MeteredRegistry registry);

    private static bool StartAndInterrupt(Thread other, bool isDue, bool join)
    {
        if (SecondThread.Start(other, isDue))
        {
            other.Interrupt();
            if (join)
            {
                other.Join();
            }
        }

        return false;
    }

    private static void CheckNothingIsTaken(NativeHeap heap)
    {
        heap.Validate();
        _ = heap.Trim();
        Assert.Equal((0u, 0), (heap.GetStatistics().Held, heap.GetStatistics().LiveBlocks));
        Assert.True(heap.TryAllocate(heap.GetStatistics().Reserved, out void* all), "Not all of the heap is free.");
        heap.Free(all);
    }
}
