using Vmem.Caching;
using Vmem.Memory.Tests.Window;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>What a heap keeps of free pages, where there is a bound.</summary>
public sealed unsafe class BoundedHeapTests : IDisposable
{
    private const nuint Page = 4_096;
    private const nuint Megabyte = 1 << 20;

    private readonly OwnWindow _own = new();

    public void Dispose() => _own.Dispose();

    /// <summary>An eighth of 8 MiB is for what threads keep.</summary>
    [Fact]
    public void All_is_kept_up_to_the_bound_and_beyond_it_half()
    {
        using NativeHeap heap = NewHeap(8 * Megabyte);
        heap.Free(heap.Allocate(7 * Megabyte));
        Assert.Equal(7 * Megabyte, heap.GetStatistics().Dirty);
        heap.Free(heap.Allocate((7 * Megabyte) + Page));
        Assert.InRange(heap.GetStatistics().Dirty, (7 * Megabyte / 2) - (64 * Page), 7 * Megabyte / 2);
    }

    [Fact]
    public void A_block_that_becomes_shorter_leaves_no_more()
    {
        using NativeHeap heap = NewHeap(0);
        byte* block = (byte*)heap.Allocate(8 * Megabyte);
        block[0] = 7;
        Assert.True(heap.Reallocate(block, 3 * Megabyte) == block);
        Assert.Equal((3 * Megabyte, 0u), (heap.GetStatistics().Held, heap.GetStatistics().Dirty));
        Assert.Equal(7, block[0]);
        Assert.Equal(3 * Megabyte, _own.Budget.Charged);
        heap.Free(block);
    }

    /// <summary>Each run that is freed sends the one before it to the pages.</summary>
    [Fact]
    public void Runs_that_a_thread_has_no_room_for_leave_no_more()
    {
        using NativeHeap heap = NewHeap(4 * Megabyte);
        nuint[] runs = [.. Enumerable.Range(0, 40).Select(_ => (nuint)heap.Allocate(250_000))];
        Array.ForEach(runs, run => heap.Free((void*)run));
        Assert.Equal(262_144u, heap.GetStatistics().Cached);
        Assert.InRange(heap.GetStatistics().Dirty, 1u, (4 * Megabyte) - 262_144);
    }

    /// <summary>Pages of slabs that became free are looked at then, and not before.</summary>
    [Fact]
    public void At_the_end_of_an_interval_no_more_is_there()
    {
        ManualTime time = new();
        NativeHeap heap = _own.NewHeap(new NativeHeapOptions
        {
            TimeProvider = time,
            RetainedBytes = Megabyte,
            Debugging = HeapDebugging.None,
        });
        nuint[] blocks = [.. Enumerable.Range(0, 2_000).Select(_ => (nuint)heap.Allocate(4_096))];
        Array.ForEach(blocks, block => heap.Free((void*)block));
        Assert.InRange(heap.GetStatistics().Dirty, 4 * Megabyte, 8 * Megabyte);
        time.Advance(Upkeep.Interval);
        Assert.InRange(heap.GetStatistics().Dirty, 1u, Megabyte);
    }

    private NativeHeap NewHeap(nuint retained) => _own.NewHeap(new NativeHeapOptions
    {
        Name = "bounded",
        RetainedBytes = retained,
        RetainedInterval = TimeSpan.FromHours(1),
        Debugging = HeapDebugging.None,
    });
}
