using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Memory.Heap;
using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>Every wrong free is found at once, told with its story, and changes nothing.</summary>
public unsafe class HeapMistakeTests
{
    [Fact]
    public void A_double_free_is_told_with_all_three_stacks()
    {
        using NativeHeap heap = Make();
        void* block = AllocateHere(heap, 100);
        FreeHere(heap, block);
        InvalidFreeException refusal = Refused(heap, () => FreeAgain(heap, block));
        Assert.Equal((InvalidFreeReason.AlreadyFree, (UInt128)(nuint)block), (refusal.Reason, refusal.Start));
        AssertTold(refusal, nameof(AllocateHere), nameof(FreeHere), nameof(FreeAgain), "It had been allocated", "It was freed", "The attempt was made");
        string firstLine = refusal.Message.Split('\n').First(line => line.TrimStart().StartsWith("at ", StringComparison.Ordinal));
        Assert.Contains(nameof(AllocateHere), firstLine, StringComparison.Ordinal);
    }

    /// <summary>Also when it has left the quarantine.</summary>
    [Fact]
    public void A_late_double_free_is_told_as_well()
    {
        using NativeHeap heap = Make(HeapDebugging.Default with { Quarantine = 0 });
        void* block = AllocateHere(heap, 100);
        FreeHere(heap, block);
        AssertTold(Refused(heap, () => heap.Free(block)), nameof(AllocateHere), nameof(FreeHere));
    }

    /// <summary>A record may be forgotten; then at least that the block is free is still told.</summary>
    [Fact]
    public void A_very_late_double_free_is_refused()
    {
        using NativeHeap heap = Make(HeapDebugging.Default with { Owners = false, Quarantine = 0 });
        void*[] blocks = new void*[5_000];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = heap.Allocate(50);
        }

        foreach (void* block in blocks)
        {
            heap.Free(block);
        }

        void* first = blocks[0];
        void* last = blocks[^1];
        Assert.Contains("freed long ago", Refused(heap, () => heap.Free(first)).Message, StringComparison.Ordinal);
        Assert.Contains("free already", Refused(heap, () => heap.Free(last)).Message, StringComparison.Ordinal);
    }

    /// <summary>A block that was freed and whose memory is another's now: both stories are told.</summary>
    [Fact]
    public void An_address_that_has_become_an_interior_one_is_told_with_its_past()
    {
        using NativeHeap heap = Make(HeapDebugging.Default with { Quarantine = 0 });
        byte* old = (byte*)heap.AllocateAligned(100_000, 4_096);
        FreeHere(heap, old);
        byte* now = (byte*)AllocateHere(heap, 110_000);
        Assert.InRange((nuint)old, (nuint)now + 1, (nuint)now + 110_000);
        InvalidFreeException refusal = Refused(heap, () => heap.Free(old));
        Assert.Equal(InvalidFreeReason.InteriorAddress, refusal.Reason);
        AssertTold(refusal, nameof(AllocateHere), "Before that, a block had been allocated", "That was freed", nameof(FreeHere));
        heap.Free(now);
    }

    [Theory]
    [InlineData(1, InvalidFreeReason.InteriorAddress, "1 bytes inside the block of 100")]
    [InlineData(99, InvalidFreeReason.InteriorAddress, "99 bytes inside the block of 100")]
    [InlineData(100, InvalidFreeReason.InteriorAddress, "at 100 from the start of the block of 100")]
    [InlineData(-16, InvalidFreeReason.InteriorAddress, "at -16 from the start of the block of 100")]
    public void An_address_in_or_next_to_a_block_names_the_block(int offset, InvalidFreeReason reason, string told)
    {
        using NativeHeap heap = Make();
        byte* block = (byte*)AllocateHere(heap, 100);
        InvalidFreeException refusal = Refused(heap, () => heap.Free(block + offset));
        Assert.Equal(reason, refusal.Reason);
        AssertTold(refusal, told, nameof(AllocateHere));
        heap.Free(block);
        refusal = Refused(heap, () => heap.Free(block + 7));
        Assert.Equal(InvalidFreeReason.AlreadyFree, refusal.Reason);
        AssertTold(refusal, "7 bytes inside", nameof(AllocateHere));
    }

    [Fact]
    public void A_wild_free_is_refused()
    {
        using NativeHeap heap = Make();
        byte* block = (byte*)heap.Allocate(8);
        int local = 0;
        foreach (nuint address in new nuint[] { 1, (nuint)(&local), nuint.MaxValue, (nuint)NativeHeap.Shared.Allocate(8) })
        {
            Assert.Equal(InvalidFreeReason.NotAllocated, Refused(heap, () => heap.Free((void*)address)).Reason);
            Assert.Equal(InvalidFreeReason.NotAllocated, Refused(heap, () => heap.GetSize((void*)address)).Reason);
            Assert.Equal(InvalidFreeReason.NotAllocated, Refused(heap, () => heap.Reallocate((void*)address, 3)).Reason);
        }

        Assert.Contains("no block was ever there", Refused(heap, () => heap.Free(block + (1 << 20))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_heaps_block_names_that_heap_and_who_allocated_it()
    {
        using NativeHeap heap = Make();
        using NativeHeap other = new(new NativeHeapOptions { Name = "theirs", Debugging = HeapDebugging.Default });
        byte* block = (byte*)AllocateHere(other, 100);
        InvalidFreeException refusal = Refused(heap, () => heap.Free(block));
        Assert.Equal(InvalidFreeReason.OtherOwner, refusal.Reason);
        AssertTold(refusal, "theirs", "block of 100 bytes", nameof(AllocateHere), nameof(Another_heaps_block_names_that_heap_and_who_allocated_it));
        other.Free(block);
        Assert.Equal(InvalidFreeReason.NotAllocated, Refused(heap, () => heap.Free(block)).Reason);
    }

    [Theory]
    [InlineData(99)]
    [InlineData(101)]
    [InlineData(1)]
    [InlineData(0)]
    public void A_wrong_size_is_refused(int size)
    {
        using NativeHeap heap = Make();
        void* block = AllocateHere(heap, 100);
        InvalidFreeException refusal = Refused(heap, () => heap.Free(block, (nuint)size));
        Assert.Equal((InvalidFreeReason.WrongSize, (UInt128)size), (refusal.Reason, refusal.Size));
        AssertTold(refusal, "the block there has 100", nameof(AllocateHere));
        heap.Free(block, 100);
    }

    /// <summary>The plain heap cannot tell an aligned block's class from its size; with debugging that does not matter.</summary>
    [Fact]
    public void An_aligned_block_may_be_freed_by_its_size()
    {
        using NativeHeap heap = Make();
        heap.Free(heap.AllocateAligned(10, 1_024), 10);
        heap.Validate();
    }

    [Fact]
    public void A_storm_of_wrong_frees_damages_nothing()
    {
        using NativeHeap heap = Make(HeapDebugging.Default with { Owners = false });
        byte*[] blocks = new byte*[50];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (byte*)heap.Allocate((nuint)(i * 7));
            new Span<byte>(blocks[i], i * 7).Fill((byte)i);
        }

        Random random = new(1);
        for (int i = 0; i < 20_000; i++)
        {
            byte* wrong = blocks[random.Next(blocks.Length)] + random.Next(1, 1_000);
            if (!Array.Exists(Addresses(blocks), address => address == (nint)wrong))
            {
                _ = Assert.Throws<InvalidFreeException>(() => heap.Free(wrong));
            }
        }

        heap.Validate();
        for (int i = 0; i < blocks.Length; i++)
        {
            Assert.Equal(-1, new Span<byte>(blocks[i], i * 7).IndexOfAnyExcept((byte)i));
            heap.Free(blocks[i], (nuint)(i * 7));
        }
    }

    /// <summary>What a heap keeps in reserve it may give back at any moment: for want of memory also in the middle of a test.</summary>
    [Fact]
    public void A_refusal_is_one_also_if_memory_is_short_meanwhile()
    {
        using NativeHeap heap = Make();
        void* block = heap.Allocate(100);
        heap.Free(block);
        _ = Refused(heap, () =>
        {
            ((IUpkeepTarget)PlainOf(heap)).RelievePressure();
            heap.Free(block);
        });
    }

    private static PlainHeap PlainOf(NativeHeap heap) => LayersOf(heap).Plain;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_layers")]
    private static extern ref HeapLayers LayersOf(NativeHeap heap);

    private static nint[] Addresses(byte*[] blocks)
    {
        nint[] addresses = new nint[blocks.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            addresses[i] = (nint)blocks[i];
        }

        return addresses;
    }

    private static NativeHeap Make(HeapDebugging? debugging = null) =>
        new(new NativeHeapOptions { Name = "ours", Debugging = debugging ?? HeapDebugging.Default });

    private static InvalidFreeException Refused(NativeHeap heap, Action call)
    {
        NativeHeapStatistics before = UsersFigures.Of(heap);
        InvalidFreeException refusal = Assert.Throws<InvalidFreeException>(call);
        Assert.Equal(before, UsersFigures.Of(heap));
        Assert.StartsWith("Heap 'ours' cannot ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed.", refusal.Message, StringComparison.Ordinal);
        heap.Validate();
        return refusal;
    }

    private static void AssertTold(InvalidFreeException refusal, params string[] parts) =>
        Assert.All(parts, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void* AllocateHere(NativeHeap heap, nuint size) => heap.Allocate(size);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FreeHere(NativeHeap heap, void* block) => heap.Free(block);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FreeAgain(NativeHeap heap, void* block) => heap.Free(block);
}
