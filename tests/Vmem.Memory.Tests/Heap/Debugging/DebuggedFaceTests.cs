using Vmem.Memory.Tests.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>Everything that a heap can, it can with debugging.</summary>
public unsafe class DebuggedFaceTests
{
    public static TheoryData<string> Strategies => [.. DebugStrategies.Names];

    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_block_has_the_size_that_was_asked_for_and_the_alignment_that_is_promised(string strategy)
    {
        using NativeHeap heap = DebugStrategies.Make(strategy);
        for (nuint size = 0; size < 40_000; size = size < 300 ? size + 1 : size * 9 / 8)
        {
            byte* block = (byte*)heap.Allocate(size);
            Assert.Equal(Math.Max(size, 1), heap.GetSize(block));
            Assert.Equal((nuint)0, (nuint)block % (size <= 64 || size % 16 == 0 ? 16u : 8u));
            Assert.True(heap.Owns(block + (size / 2)));
            Assert.False(heap.Owns(block + Math.Max(size, 1)));
            new Span<byte>(block, (int)size).Fill(0xFF);
            heap.Validate();
            heap.Free(block, size);
        }
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void Every_alignment_is_kept(string strategy)
    {
        using NativeHeap heap = DebugStrategies.Make(strategy);
        for (nuint alignment = 1; alignment <= 1 << 21; alignment *= 2)
        {
            foreach (nuint size in new nuint[] { 0, 1, 13, 100, 4_096, 40_001 })
            {
                byte* block = (byte*)heap.AllocateAligned(size, alignment);
                Assert.Equal((nuint)0, (nuint)block % alignment);
                new Span<byte>(block, (int)size).Fill(0xFF);
                heap.Free(block);
            }
        }

        heap.Validate();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_zeroed_block_is_zero_and_a_fresh_one_is_not(string strategy)
    {
        using NativeHeap heap = DebugStrategies.Make(strategy);
        for (int round = 0; round < 3; round++)
        {
            foreach (int size in new[] { 1, 24, 5_000, 300_000 })
            {
                byte* zeroed = (byte*)heap.AllocateZeroed((nuint)size);
                Assert.Equal(-1, new Span<byte>(zeroed, size).IndexOfAnyExcept((byte)0));
                byte* fresh = (byte*)heap.Allocate((nuint)size);
                Assert.True(!heap.Debugging.FillFresh || new Span<byte>(fresh, size).IndexOfAnyExcept((byte)0xCD) < 0);
                new Span<byte>(zeroed, size).Fill(1);
                new Span<byte>(fresh, size).Fill(2);
                heap.Free(zeroed);
                heap.Free(fresh);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_resized_block_moves_and_keeps_what_it_held(string strategy)
    {
        using NativeHeap heap = DebugStrategies.Make(strategy);
        byte* block = (byte*)heap.Reallocate(null, 10);
        new Span<byte>(block, 10).Fill(7);
        foreach (int size in new[] { 10, 20, 5, 50_000, 40_000, 1, 0 })
        {
            int old = (int)heap.GetSize(block);
            byte* moved = (byte*)heap.Reallocate(block, (nuint)size);
            Assert.NotEqual((nuint)block, (nuint)moved);
            Assert.Equal(-1, new Span<byte>(moved, Math.Min(old, size)).IndexOfAnyExcept((byte)7));
            Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => heap.Reallocate(block, 9)).Reason);
            block = moved;
            new Span<byte>(block, size).Fill(7);
        }

        heap.Free(block);
        Assert.Equal((0, (nuint)0), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().InUse));
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void Figures_are_those_of_what_was_asked_for(string strategy)
    {
        using NativeHeap heap = DebugStrategies.Make(strategy);
        void* small = heap.Allocate(100);
        void* large = heap.Allocate(100_000);
        NativeHeapStatistics statistics = heap.GetStatistics();
        Assert.Equal((2, 1, (nuint)100_100), (statistics.LiveBlocks, statistics.LargeBlocks, statistics.InUse));
        heap.Free(large);
        heap.Free(small);
        heap.Free(null);
        statistics = heap.GetStatistics();
        Assert.Equal((0, 0, (nuint)0), (statistics.LiveBlocks, statistics.LargeBlocks, statistics.InUse));
        Assert.Equal(heap.Debugging.Quarantine > 0, statistics.Quarantined >= 100_100);
        heap.Trim();
        statistics = heap.GetStatistics();
        Assert.Equal(((nuint)0, (nuint)0), (statistics.Quarantined, statistics.Held));
    }

    /// <summary>What is in quarantine is no reason to fail.</summary>
    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_request_takes_what_the_quarantine_holds_before_it_fails(string strategy)
    {
        using NativeHeap heap = DebugStrategies.Make(
            strategy,
            debugging => debugging with { Quarantine = nuint.MaxValue },
            limit: 16 << 20);
        for (int round = 0; round < 100; round++)
        {
            heap.Free(heap.Allocate(3 << 20));
        }

        Assert.False(heap.TryAllocate(20 << 20, out _));
        Assert.False(heap.TryAllocate(nuint.MaxValue, out _));
        Assert.Throws<InsufficientMemoryException>(() => heap.Allocate(nuint.MaxValue - 8));
        Assert.Throws<InsufficientMemoryException>(() => heap.AllocateAligned(1, (nuint)1 << 62));
        Assert.Equal(4, heap.GetStatistics().Failures);
        heap.Validate();
        heap.Free(heap.Allocate(15 << 20));
    }

    [Fact]
    public void A_heap_whose_options_ask_for_none_has_none()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.None });
        Assert.Same(HeapDebugging.None, heap.Debugging);
        Assert.Contains("Debugging", Assert.Throws<InvalidOperationException>(() => heap.GetAuditReport()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disposed_heap_says_so()
    {
        NativeHeap heap = DebugStrategies.Make("default");
        void* block = heap.Allocate(1);
        heap.Dispose();
        heap.Dispose();
        Assert.False(heap.Owns(block));
        Assert.Throws<ObjectDisposedException>(() => heap.Free(block));
        Assert.Throws<ObjectDisposedException>(() => heap.Free(block, 1));
        Assert.Throws<ObjectDisposedException>(() => heap.GetSize(block));
        Assert.Throws<ObjectDisposedException>(() => heap.Allocate(1));
        Assert.Throws<ObjectDisposedException>(() => heap.Reallocate(block, 2));
        Assert.Throws<ObjectDisposedException>(() => heap.GetAuditReport());
        Assert.Throws<ObjectDisposedException>(() => heap.Trim());
        Assert.Throws<ObjectDisposedException>(heap.Validate);
    }

    /// <summary>A table of the debugger that cannot grow: the call fails, and nothing else has changed.</summary>
    [Fact]
    public void A_failing_growth_leaves_the_heap_whole()
    {
        using NativeHeap heap = DebugStrategies.Make("default");
        void* block = heap.Allocate(100);
        NativeHeapStatistics before = UsersFigures.Of(heap);
        using (TableFaults.Inject(() => true))
        {
            Assert.Throws<InsufficientMemoryException>(() => heap.Allocate(10));
            Assert.False(heap.TryAllocate(10, out _));
            Assert.False(heap.TryReallocate(block, 200, out void* same));
            Assert.True(same == block);
        }

        Assert.Equal(before with { Failures = before.Failures + 3 }, UsersFigures.Of(heap));
        int growths = 0;
        using (TableFaults.Inject(() => ++growths == 2))
        {
            Assert.Throws<InsufficientMemoryException>(() => heap.Reallocate(block, 200));
        }

        Assert.Equal((before.LiveBlocks, before.InUse), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().InUse));
        Assert.Equal((nuint)100, heap.GetSize(block));
        heap.Validate();
        using (TableFaults.Inject(() => true))
        {
            heap.Free(block);                     // needs no memory
        }

        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
    }
}
