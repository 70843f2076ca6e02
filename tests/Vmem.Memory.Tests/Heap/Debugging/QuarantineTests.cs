using Vmem.Memory.Tests.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>Freed blocks are poisoned, kept for a while, and looked at before they are used again.</summary>
public unsafe class QuarantineTests
{
    [Fact]
    public void A_freed_block_holds_poison_and_is_not_handed_out()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Default });
        byte* block = (byte*)heap.Allocate(64);
        heap.Free(block);
        Assert.Equal(-1, new Span<byte>(block, 64).IndexOfAnyExcept((byte)0xDD));
        for (int i = 0; i < 1_000; i++)
        {
            Assert.NotEqual((nuint)block, (nuint)heap.Allocate(64));
        }
    }

    /// <summary>An allocation finds it and does nothing else; it is said once, with all three stacks' worth of names.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(99)]
    [InlineData(-1)]
    [InlineData(100)]
    public void A_write_after_free_is_found_when_the_block_leaves(int at)
    {
        using NativeHeap heap = new(new NativeHeapOptions { Name = "haunted", Debugging = HeapDebugging.Default with { Quarantine = 10_000 } });
        byte* victim = AllocateVictim(heap);
        FreeVictim(heap, victim);
        victim[at] = 0x41;
        Assert.Contains($"the byte at {at} is 0x41", Assert.Throws<InvariantViolationException>(heap.Validate).Message, StringComparison.Ordinal);
        int pairs = 0;
        InvariantViolationException found = Assert.Throws<InvariantViolationException>(() =>
        {
            for (; pairs < 1_000; pairs++)
            {
                heap.Free(heap.Allocate(100));
            }
        });
        Assert.InRange(pairs, 10, 100);
        foreach (string name in new[] { $"0x{(nuint)victim:x}", "haunted", $"the byte at {at} is 0x41", nameof(AllocateVictim), nameof(FreeVictim), "after it had been freed" })
        {
            Assert.Contains(name, found.Message, StringComparison.Ordinal);
        }

        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
        heap.Free(heap.Allocate(100));
        heap.Trim();
        Assert.Equal((nuint)0, heap.GetStatistics().Held);
    }

    [Fact]
    public void A_trim_finds_it_too()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Default });
        byte* victim = AllocateVictim(heap);
        FreeVictim(heap, victim);
        victim[50]++;
        Assert.Throws<InvariantViolationException>(() => heap.Trim());
        heap.Trim();
        Assert.Equal(((nuint)0, (nuint)0), (heap.GetStatistics().Quarantined, heap.GetStatistics().Held));
    }

    /// <summary>A resize asks for a block first: that fails, and the old one is as it was.</summary>
    [Fact]
    public void A_resize_that_comes_across_it_changes_nothing()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Default with { Quarantine = 0 } });
        void* block = heap.Allocate(10);
        using NativeHeap held = new(new NativeHeapOptions { Debugging = HeapDebugging.Default with { Quarantine = 1_000 } });
        byte* victim = AllocateVictim(held);
        void* other = held.Allocate(2_000);
        void* kept = held.Allocate(20);
        FreeVictim(held, victim);
        victim[3] = 0;
        held.Free(other);
        Assert.Throws<InvariantViolationException>(() => held.Reallocate(kept, 40));
        Assert.Equal(((nuint)20, 1), (held.GetSize(kept), held.GetStatistics().LiveBlocks));
        held.Free(held.Reallocate(kept, 40));
        heap.Free(block);
    }

    /// <summary>There are no words about the one that was written. They are told when there are.</summary>
    [Fact]
    public void A_free_and_a_resize_that_come_across_it_without_memory_are_done()
    {
        HeapDebugging little = HeapDebugging.Default with { Quarantine = 1_000, Owners = false };
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = little });
        byte* victim = AllocateVictim(heap);
        void* other = heap.Allocate(2_000);
        void* kept = heap.Allocate(20);
        *(int*)kept = 77;
        void* asLong = heap.Allocate(40);         // so another of that length needs no table
        FreeVictim(heap, victim);
        victim[3] = 0;
        using (TableFaults.Inject(() => true))
        {
            heap.Free(other);
        }

        Assert.Equal(2, heap.GetStatistics().LiveBlocks);
        int growths = 0;
        using (TableFaults.Inject(() => ++growths > 2))       // those two are for the new block
        {
            kept = heap.Reallocate(kept, 40);
        }

        Assert.Equal((40u, 2, 77, 3), (heap.GetSize(kept), heap.GetStatistics().LiveBlocks, *(int*)kept, growths));
        Assert.Throws<InvariantViolationException>(() => heap.Trim());
        heap.Free(kept);
        heap.Free(asLong);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5_000)]
    [InlineData(1_000_000)]
    public void The_quarantine_is_bounded_and_first_in_first_out(int room)
    {
        using NativeHeap heap =
            new(new NativeHeapOptions { Debugging = HeapDebugging.Default with { Owners = false, Quarantine = (nuint)room } });
        List<nint> freed = [];
        for (int i = 0; i < 20_000; i++)
        {
            void* block = heap.Allocate(100);
            Assert.True(room == 0 || !freed.TakeLast(room / 200).Contains((nint)block));
            heap.Free(block);
            freed.Add((nint)block);
            freed = freed.Count > 10_000 ? freed[5_000..] : freed;
            Assert.InRange(heap.GetStatistics().Quarantined, (nuint)0, (nuint)room);
        }

        heap.Validate();
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static byte* AllocateVictim(NativeHeap heap) => (byte*)heap.Allocate(100);

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void FreeVictim(NativeHeap heap, byte* block) => heap.Free(block);
}
