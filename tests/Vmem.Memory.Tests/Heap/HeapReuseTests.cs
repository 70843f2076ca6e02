using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Platform;
using Vmem.Memory.Window;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>A heap has the tables of one like it that was disposed of, and nothing else of it.</summary>
[Collection(Footprint.Collection)]
public unsafe class HeapReuseTests
{
    private static readonly NativeHeapOptions s_options = new() { Name = "reuse", Debugging = HeapDebugging.None };

    /// <summary>Only so many are kept, and other tests may have left as many, of other kinds.</summary>
    public HeapReuseTests() => ((IUpkeepTarget)SpareHeaps.Shared).RelievePressure();

    /// <summary>A heap for each request: with what all share it is a few small objects, whatever it is used for.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(5_000)]
    [InlineData(40_000)]
    public void A_heap_for_each_request_makes_hardly_any_garbage(int size)
    {
        UseAndDispose(size);
        nuint inUse = AddressWindow.Shared.InUse;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
        {
            UseAndDispose(size);
        }

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1_000, 1, 1_024);
        Assert.InRange(AddressWindow.Shared.InUse, 0u, inUse);

        static void UseAndDispose(int size)
        {
            using NativeHeap heap = new(s_options);
            for (int i = 0; i < 80; i++)          // past the starter arena
            {
                heap.Free(heap.Allocate((nuint)size));
            }

            if (size < 40_000)
            {
                _ = heap.Allocate((nuint)size);
            }
        }
    }

    [Fact]
    public void The_next_heap_begins_as_new()
    {
        PlainHeap? before = null;
        int reused = 0;
        for (int round = 0; round < 50; round++)
        {
            NativeHeap heap = new(s_options);
            nuint[] blocks = [.. Enumerable.Range(0, 150).Select(i => (nuint)heap.Allocate((nuint)(i % 50 * 20)))];
            Assert.Equal((150, 150), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().Allocations));
            Assert.Equal(0u, heap.GetStatistics().Decommitted);
            reused += ReferenceEquals(PlainOf(heap), before) ? 1 : 0;
            before = PlainOf(heap);
            for (int i = 0; i < blocks.Length; i++)
            {
                Pattern.Write((void*)blocks[i], heap.GetSize((void*)blocks[i]), i);
            }

            for (int i = 0; i < blocks.Length; i++)
            {
                Assert.True(Pattern.Holds((void*)blocks[i], heap.GetSize((void*)blocks[i]), i));
            }

            heap.Validate();
            if (round % 2 == 0)
            {
                Array.ForEach(blocks, block => heap.Free((void*)block));
                _ = heap.Trim();
                Assert.NotEqual(0u, heap.GetStatistics().Decommitted);
            }

            heap.Dispose();
            CheckIsGone(heap, blocks[round]);
        }

        Assert.InRange(reused, 40, 50);
    }

    [Fact]
    public void Of_two_kinds_of_heaps_none_has_what_the_other_had()
    {
        NativeHeapOptions other = s_options with { TrustCaller = true };
        NativeHeap first = new(s_options);
        _ = first.Allocate(100);
        PlainHeap plain = PlainOf(first);
        first.Dispose();
        using NativeHeap second = new(other);
        _ = second.Allocate(100);
        Assert.NotSame(plain, PlainOf(second));
        using NativeHeap third = new(s_options with { Name = "another" });
        _ = third.Allocate(100);
        Assert.NotSame(plain, PlainOf(third));
        using NativeHeap fourth = new(s_options with { CallbackRefused = static _ => { } });
        _ = fourth.Allocate(100);
        Assert.Same(plain, PlainOf(fourth));
    }

    /// <summary>It was promised that no call is under way; one that is all the same meets nobody else.</summary>
    [Fact]
    public void What_a_call_is_at_work_on_when_the_heap_ends_is_no_other_heaps()
    {
        Footprint.Clear();
        NativeHeap heap = new(s_options);
        PlainHeap? plain = null;
        NativeHeap? next = null;
        using (SystemCallFault.Inject(call =>
        {
            if (call != SystemCall.Commit || next is not null)
            {
                return false;
            }

            plain = PlainOf(heap);
            heap.Dispose();
            next = new NativeHeap(s_options);
            _ = next.Allocate(100);
            return true;
        }))
        {
            try
            {
                _ = heap.TryAllocate(100, out _);
            }
            catch (ObjectDisposedException)
            {
                // It may have noticed.
            }
        }

        Assert.NotNull(plain);
        Assert.NotSame(plain, PlainOf(next!));
        next!.Validate();
        next.Dispose();
    }

    [Fact]
    public void A_heap_that_was_used_much_or_holds_much_is_not_used_again()
    {
        NativeHeap busy = new(s_options);
        for (int i = 0; i < 1_100; i++)
        {
            _ = busy.Owns(&i);
        }

        NativeHeap large = new(s_options);
        NativeHeap left = new(s_options);
        _ = large.Allocate(10 << 20);
        _ = left.Allocate(50_000);
        _ = busy.Allocate(100);
        PlainHeap[] plains = [PlainOf(busy), PlainOf(large), PlainOf(left)];
        busy.Dispose();
        large.Dispose();
        left.Dispose();
        NativeHeap[] heaps = [.. Enumerable.Range(0, 40).Select(_ => new NativeHeap(s_options))];
        Array.ForEach(heaps, heap => _ = heap.Allocate(100));
        Assert.DoesNotContain(heaps, heap => plains.Contains(PlainOf(heap)));
        Array.ForEach(heaps, heap => heap.Dispose());
    }

    [Fact]
    public void What_is_kept_goes_when_memory_is_short()
    {
        NativeHeap heap = new(s_options);
        _ = heap.Allocate(100);
        PlainHeap plain = PlainOf(heap);
        heap.Dispose();
        ((IUpkeepTarget)SpareHeaps.Shared).RelievePressure();
        Assert.Null(SpareHeaps.Shared.Take(AddressWindow.Shared, s_options));
        Assert.Throws<ObjectDisposedException>(() => plain.SizeOf(1));
    }

    /// <summary>Else its pages would be another window's, and another budget's.</summary>
    [Fact]
    public void A_heap_of_another_window_has_tables_of_its_own()
    {
        NativeHeap heap = new(s_options);
        _ = heap.Allocate(100);
        PlainHeap plain = PlainOf(heap);
        heap.Dispose();
        MemoryBudget budget = new(nuint.MaxValue);
        using (AddressWindow window = new(budget))
        {
            using HeapLayers other = new(window, s_options, HeapDebugging.None);
            Assert.NotSame(plain, other.Plain);
            Assert.NotEqual(0u, other.Plain.Take(1 << 20, 1, clear: false, out _));
            Assert.InRange(budget.Charged, 1u << 20, nuint.MaxValue);
        }

        using NativeHeap next = new(s_options);
        _ = next.Allocate(100);
        Assert.Same(plain, PlainOf(next));
    }

    [Fact]
    public void What_nobody_needs_goes_after_two_intervals()
    {
        SpareHeaps spares = new();
        PlainHeap[] plains = [.. Enumerable.Range(0, 3).Select(_ => new PlainHeap(AddressWindow.Shared, s_options, isDebugged: false))];
        Assert.All(plains, plain => Assert.True(plain.TryReset() && spares.TryKeep(plain)));
        Assert.True(((IUpkeepTarget)spares).EndInterval());
        Assert.Same(plains[2], spares.Take(AddressWindow.Shared, s_options));
        Assert.True(plains[2].TryReset() && spares.TryKeep(plains[2]));
        Assert.True(((IUpkeepTarget)spares).EndInterval());
        Assert.True(((IUpkeepTarget)spares).EndInterval());
        Assert.Same(plains[2], spares.Take(AddressWindow.Shared, s_options));
        Assert.Null(spares.Take(AddressWindow.Shared, s_options));
        plains[2].Stop();
        plains[2].Dispose();
    }

    /// <summary>Heaps are made, used and disposed of by several threads, as by requests; some go from one thread to another.</summary>
    [Fact]
    public void Threads_that_make_heaps_get_their_own()
    {
        List<Exception> faults = [];
        var handed = new NativeHeap?[4];
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(number => new Thread(() =>
        {
            try
            {
                for (int round = 0; round < 300; round++)
                {
                    UseOnce(number, round, handed);
                }
            }
            catch (Exception e)
            {
                lock (faults)
                {
                    faults.Add(e);
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Array.ForEach(handed, heap => heap?.Dispose());
        Assert.Empty(faults);
    }

    private static void UseOnce(int number, int round, NativeHeap?[] handed)
    {
        NativeHeap heap = Interlocked.Exchange(ref handed[(number + round) % handed.Length], null) ?? new NativeHeap(s_options);
        var blocks = new nuint[40 + (round % 60)];
        for (int i = 0; i < blocks.Length; i++)
        {
            nuint size = (nuint)(i * round % 3_000);
            blocks[i] = (nuint)heap.Allocate(size);
            Pattern.Write((void*)blocks[i], heap.GetSize((void*)blocks[i]), number);
        }

        for (int i = 0; i < blocks.Length; i++)
        {
            Assert.True(Pattern.Holds((void*)blocks[i], heap.GetSize((void*)blocks[i]), number));
            if ((i + round) % 3 != 0)
            {
                heap.Free((void*)blocks[i]);
            }
        }

        if (round % 16 == 0)
        {
            heap.Validate();
        }

        NativeHeap? ended = round % 2 == 0 ? heap : Interlocked.Exchange(ref handed[number], heap);
        ended?.Dispose();
    }

    private static void CheckIsGone(NativeHeap heap, nuint block)
    {
        Assert.Throws<ObjectDisposedException>(() => heap.Allocate(100));
        Assert.Throws<ObjectDisposedException>(() => heap.Free((void*)block));
        Assert.Throws<ObjectDisposedException>(() => heap.GetStatistics());
        Assert.False(heap.Owns((void*)block));
    }

    private static PlainHeap PlainOf(NativeHeap heap) => LayersOf(heap).Plain;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_layers")]
    private static extern ref HeapLayers LayersOf(NativeHeap heap);
}
