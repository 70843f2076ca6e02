using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Platform;
using Vmem.Memory.Window;
using Vmem.Platform;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Threads that are interrupted while they wait for another within the heap.</summary>
[Collection(Footprint.Collection)]
public unsafe class HeapInterruptTests
{
    /// <summary>Nothing that other heaps left is committed: a heap's first pages must be.</summary>
    public HeapInterruptTests() => Footprint.Clear();

    [Fact]
    public void An_allocation_goes_on_waiting()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 307 << 20 });
        InterruptedCall other = new(() => heap.Free(heap.Allocate(5 << 20)));
        using (SystemCallFault.Inject(call => other.Begin(call == SystemCall.Commit)))
        {
            heap.Free(heap.Allocate(5 << 20));
        }

        other.CheckEnd();
        CheckNothingIsTaken(heap);
    }

    [Fact]
    public void A_resize_goes_on_waiting()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 309 << 20 });
        void* first = heap.Allocate(100_000);
        void* second = heap.AllocateAligned(1 << 20, 16 << 20);
        InterruptedCall other = new(() => second = heap.Reallocate(second, 5 << 20));
        using (SystemCallFault.Inject(call => other.Begin(call == SystemCall.Commit)))
        {
            first = heap.Reallocate(first, 5 << 20);
        }

        other.CheckEnd();
        Assert.Equal((nuint)5 << 20, heap.GetSize(second));
        heap.Free(first);
        heap.Free(second);
        CheckNothingIsTaken(heap);
    }

    /// <summary>The new place is had already when the old one is given up.</summary>
    [Fact]
    public void A_move_goes_on_waiting()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 311 << 20, Debugging = HeapDebugging.None });
        for (int i = 0; i < 64; i++)
        {
            heap.Free(heap.Allocate(72));
        }

        void* block = heap.Allocate(72);          // the starter arena has no more: it is in a slab, and goes back to a magazine
        InterruptedCall other = new(() => block = heap.Reallocate(block, 1_024));
        MagazineTable magazines = PlainOf(heap).Magazines;
        magazines.Claim();
        _ = other.Begin(isDue: true);
        magazines.Release();
        other.CheckEnd();
        Assert.Equal(1, heap.GetStatistics().LiveBlocks);
        heap.Free(block);
        CheckNothingIsTaken(heap);
    }

    /// <summary>No slab has a block left: the next slab is waited for.</summary>
    [Fact]
    public void A_batch_goes_on_waiting()
    {
        const int Size = 28_672;
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 305 << 20 });
        List<nuint> blocks = [];
        using (SystemCallFault.Inject(call => call == SystemCall.Commit && blocks.Count > 0))
        {
            while (heap.TryAllocate(Size, out void* block))
            {
                blocks.Add((nuint)block);
            }
        }

        InterruptedCall other = new(() => heap.Free(heap.Allocate(Size)));
        using (SystemCallFault.Inject(call => other.Begin(call == SystemCall.Commit)))
        {
            blocks.Add((nuint)heap.AllocateAligned(1 << 20, 64 << 20));
        }

        other.CheckEnd();
        Assert.Equal(blocks.Count, heap.GetStatistics().LiveBlocks);
        blocks.ForEach(block => heap.Free((void*)block));
        CheckNothingIsTaken(heap);
    }

    [Fact]
    public void A_heap_is_disposed_of_to_the_end()
    {
        Footprint footprint = new();
        NativeHeap heap = new(new NativeHeapOptions { Limit = Footprint.Large });
        void* kept = heap.Allocate(70 << 20);
        heap.Free(heap.Allocate(1 << 20));
        InterruptedCall end = new(heap.Dispose);
        using (SystemCallFault.Inject(call => end.Begin(call == SystemCall.Decommit)))
        {
            _ = heap.Trim();
        }

        end.CheckEnd();
        Assert.True(kept is not null);
        footprint.CheckUnchanged();
    }

    /// <summary>Other heaps come and go meanwhile, and metrics are collected.</summary>
    [Theory]
    [InlineData("window")]
    [InlineData("heaps")]
    [InlineData("arenas")]
    public void A_heap_that_waits_for_others_is_disposed_of_to_the_end(string wait)
    {
        Footprint footprint = new();
        NativeHeap heap = new(new NativeHeapOptions { Limit = Footprint.Large });
        heap.Free(heap.Allocate(1 << 20));
        _ = heap.Allocate(100_000);               // so that its tables are not kept for the next one
        InterruptedCall end = new(heap.Dispose);
        (Action enter, Action exit) = wait switch
        {
            "window" => (GateOf(AddressWindow.Shared).Enter, GateOf(AddressWindow.Shared).Exit),
            "heaps" => (GateOf(MemoryMetrics.Heaps).Enter, GateOf(MemoryMetrics.Heaps).Exit),
            _ => ((Action)VmemInternals.EnterArenaMetrics, (Action)VmemInternals.ExitArenaMetrics),
        };
        enter();
        _ = end.Begin(isDue: true);
        exit();
        end.CheckEnd();
        footprint.CheckUnchanged();
    }

    private static PlainHeap PlainOf(NativeHeap heap) => LayersOf(heap).Plain;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_layers")]
    private static extern ref HeapLayers LayersOf(NativeHeap heap);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_gate")]
    private static extern ref Gate GateOf(AddressWindow window);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_lock")]
    private static extern ref Gate GateOf(MeteredRegistry registry);

    private static void CheckNothingIsTaken(NativeHeap heap)
    {
        heap.Validate();
        _ = heap.Trim();
        Assert.Equal((0u, 0), (heap.GetStatistics().Held, heap.GetStatistics().LiveBlocks));
        Assert.True(heap.TryAllocate(heap.GetStatistics().Reserved, out void* all), "Not all of the heap is free.");
        heap.Free(all);
    }

    /// <summary>A call on a thread that is interrupted as it waits for another in it. The call knows nothing of it; the thread's next wait
    /// does. A call that does not wait fails the test: the interrupt would come to an end of the thread, by luck.</summary>
    private sealed class InterruptedCall
    {
        private readonly Thread _thread;
        private Exception? _thrown;
        private volatile bool _ended;
        private bool _isPassedOn;
        private bool _waits;

        public InterruptedCall(Action call) => _thread = new Thread(() =>
        {
            _thrown = Record.Exception(call);
            _ended = true;
            _isPassedOn = Record.Exception(() => Thread.Sleep(1)) is ThreadInterruptedException;
        });

        /// <summary>As a fault of no system call.</summary>
        public bool Begin(bool isDue)
        {
            if (SecondThread.Start(_thread, isDue))
            {
                _waits = !_ended;
                _thread.Interrupt();
            }

            return false;
        }

        public void CheckEnd()
        {
            _thread.Join();
            Assert.Null(_thrown);
            Assert.True(_waits, "The call did not wait.");
            Assert.True(_isPassedOn, "The interrupt was swallowed.");
        }
    }
}
