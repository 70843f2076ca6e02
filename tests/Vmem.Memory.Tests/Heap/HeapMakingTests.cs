using Vmem.Memory.Tests.Internals;
using Vmem.Memory.Tests.Platform;
using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>A heap is made as long as its limit says, or not at all: then nothing of it stays.</summary>
[Collection(Footprint.Collection)]
public unsafe class HeapMakingTests
{
    private static readonly nuint s_page = VirtualMemory.PageSize;

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(1 << 20)]
    [InlineData((3 << 20) + 1)]
    public void A_heap_never_holds_more_than_its_limit(int limit)
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = (nuint)limit });
        nuint held = 0;
        foreach (nuint size in (nuint[])[40_000, 36_000, 33_000, 1_000, 16])
        {
            while (heap.TryAllocate(size, out void* block))
            {
                new Span<byte>(block, (int)heap.GetSize(block)).Fill(1);
                Assert.True(heap.Owns(block) && heap.Owns((byte*)block + heap.GetSize(block) - 1));
                held += heap.GetSize(block);
            }
        }

        NativeHeapStatistics statistics = heap.GetStatistics();
        Assert.True(held <= (nuint)limit && statistics.Held <= nuint.Max((nuint)limit, s_page), $"{held} bytes in blocks, {statistics}");
        heap.Validate();
    }

    [Theory]
    [InlineData(1UL << 63)]
    [InlineData(ulong.MaxValue - 1)]
    [InlineData(ulong.MaxValue)]
    public void A_limit_beyond_what_there_is_limits_nothing(ulong limit)
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = (nuint)limit });
        Assert.True(heap.GetStatistics().Reserved >= (nuint)1 << 32, $"It has {heap.GetStatistics().Reserved}.");
        heap.Free(heap.Allocate(100));
    }

    [Fact]
    public void A_heap_whose_clock_makes_no_timer_leaves_nothing_behind()
    {
        Footprint footprint = new();
        Assert.Throws<NotSupportedException>(() =>
            new NativeHeap(new NativeHeapOptions { Limit = Footprint.Large, TimeProvider = new TimerlessTime() }));
        footprint.CheckUnchanged();
    }

    /// <summary>They are made with the first block.</summary>
    [Fact]
    public void A_heap_whose_tables_cannot_be_had_leaves_nothing_behind()
    {
        Footprint footprint = new();
        using NativeHeap heap = new(new NativeHeapOptions { Limit = Footprint.Large, Debugging = HeapDebugging.None });
        using (TableFaults.Inject(() => true))
        {
            Assert.ThrowsAny<OutOfMemoryException>(() => heap.Allocate(100));
            Assert.ThrowsAny<OutOfMemoryException>(() =>
                new NativeHeap(new NativeHeapOptions { Limit = Footprint.Large, Debugging = HeapDebugging.Default }).Allocate(100));
        }

        footprint.CheckUnchanged();
        heap.Free(heap.Allocate(100));
        heap.Validate();
    }

    [Fact]
    public void The_shared_heap_is_made_when_it_can_be()
    {
        (int exitCode, string output) = ChildProcess.Run(typeof(HeapMakingTests), nameof(Run_the_shared_heap_out_of_address_space));
        Assert.True(exitCode == 0, output);
    }

    [Fact(Explicit = true)]
    public void Run_the_shared_heap_out_of_address_space()
    {
        using (SystemCallFault.Inject(call => call == SystemCall.Reserve))
        {
            Assert.ThrowsAny<OutOfMemoryException>(() => NativeHeap.Shared);
        }

        NativeHeap.Shared.Free(NativeHeap.Shared.Allocate(100));
        Assert.Throws<InvalidOperationException>(NativeHeap.Shared.Dispose);
    }

    private sealed class TimerlessTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            throw new NotSupportedException();
    }
}
