using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Wrong frees of small blocks are found at once, without debugging, and change nothing.</summary>
public unsafe class CheckedFreeTests
{
    /// <summary>From the starter arena, from slabs, of one granule and of several, of sizes that are no multiple of 16.</summary>
    public static TheoryData<int> Sizes => [1, 16, 40, 64, 72, 100, 120, 500, 1_024, 4_100, 9_000, 29_000, 32_768];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_second_free_is_found(int size)
    {
        using NativeHeap heap = new();
        foreach (nuint block in AllocateMany(heap, size))
        {
            heap.Free((void*)block);
            foreach (Action wrong in WrongUses(heap, block, (nuint)size))
            {
                Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(wrong).Reason);
            }
        }

        CheckEmpty(heap);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void An_address_inside_a_block_is_none(int size)
    {
        using NativeHeap heap = new();
        nuint[] blocks = AllocateMany(heap, size);
        foreach (nuint block in blocks)
        {
            nuint length = heap.GetSize((void*)block);
            for (nuint offset = 1; offset < length; offset += 1 + (offset / 3))
            {
                InvalidFreeException wrong = Assert.Throws<InvalidFreeException>(() => heap.Free((void*)(block + offset)));
                Assert.Equal(InvalidFreeReason.InteriorAddress, wrong.Reason);
                Assert.Throws<InvalidFreeException>(() => heap.GetSize((void*)(block + offset)));
                Assert.Throws<InvalidFreeException>(() => heap.Reallocate((void*)(block + offset), 10));
            }
        }

        FreeAll(heap, blocks);
        CheckEmpty(heap);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_size_that_the_block_has_not_is_wrong(int size)
    {
        using NativeHeap heap = new();
        foreach (nuint block in AllocateMany(heap, size))
        {
            nuint length = heap.GetSize((void*)block);
            InvalidFreeException wrong = Assert.Throws<InvalidFreeException>(() => heap.Free((void*)block, length + 1));
            Assert.Equal(InvalidFreeReason.WrongSize, wrong.Reason);
            Assert.Throws<InvalidFreeException>(() => heap.Free(new Span<byte>((void*)block, (int)length + 1)));
            Assert.Throws<InvalidFreeException>(() => heap.Free(new Span<long>((void*)block, ((int)length / sizeof(long)) + 1)));
            Assert.Equal(length, heap.GetSize((void*)block));
            heap.Free((void*)block, length);
        }

        CheckEmpty(heap);
    }

    [Fact]
    public void A_slice_that_does_not_begin_with_its_span_is_no_block()
    {
        using NativeHeap heap = new();
        Span<int> span = heap.AllocateSpan<int>(100);
        fixed (int* start = span)
        {
            int* address = start;
            Assert.Throws<InvalidFreeException>(() => heap.Free(new Span<int>(address + 50, 50)));
            Assert.Throws<InvalidFreeException>(() => heap.Free(new Span<int>(address + 99, 1)));
        }

        heap.Free(span[..50]);
        CheckEmpty(heap);
    }

    /// <summary>What no block was ever made of in a slab, and what follows its last block.</summary>
    [Fact]
    public void What_was_never_handed_out_is_no_block()
    {
        using NativeHeap heap = new();
        nuint[] blocks = AllocateMany(heap, 72);
        nuint last = blocks.Max();
        Assert.Throws<InvalidFreeException>(() => heap.Free((void*)(last + 7_200)));
        Assert.Throws<InvalidFreeException>(() => heap.Free((void*)((last | 0xFFFF) - 7)));
        FreeAll(heap, blocks);
        CheckEmpty(heap);
    }

    [Fact]
    public void A_block_of_another_heap_is_none_whatever_that_one_checks()
    {
        using NativeHeap heap = new();
        using NativeHeap other = new();
        using NativeHeap trusting = new(new NativeHeapOptions { TrustCaller = true });
        nuint[] mine = AllocateMany(heap, 64);
        foreach (NativeHeap owner in (NativeHeap[])[other, trusting])
        {
            foreach (nuint block in AllocateMany(owner, 64))
            {
                Assert.Equal(InvalidFreeReason.OtherOwner, Assert.Throws<InvalidFreeException>(() => heap.Free((void*)block)).Reason);
                owner.Free((void*)block);
            }
        }

        FreeAll(heap, mine);
        CheckEmpty(heap);
    }

    /// <summary>Whose memory another heap now has: that one's blocks begin elsewhere.</summary>
    [Fact]
    public void Blocks_of_a_heap_that_ended_mean_nothing_to_the_next()
    {
        nuint[] old;
        using (NativeHeap first = new())
        {
            old = AllocateMany(first, 64);
        }

        using NativeHeap heap = new();
        var live = AllocateMany(heap, 96).ToHashSet();
        foreach (nuint block in old.Where(block => !live.Contains(block)))
        {
            Assert.Throws<InvalidFreeException>(() => heap.Free((void*)block));
        }

        FreeAll(heap, live);
        CheckEmpty(heap);
    }

    /// <summary>As if two threads had freed it in the same moment: whoever takes the second copy passes it over.</summary>
    [Fact]
    public void A_block_that_is_in_two_magazines_is_handed_out_once()
    {
        using NativeHeap heap = new();
        nuint[] blocks = AllocateMany(heap, 64);
        nuint twice = blocks[^1];
        byte* state = BlockStateMemoryTests.StateOf(twice);
        byte live = *state;
        Assert.NotEqual(0, live);
        heap.Free((void*)twice);
        *state = live;                            // what the other thread saw
        heap.Free((void*)twice);
        HashSet<nuint> fresh = [];
        for (int i = 0; i < 200; i++)
        {
            Assert.True(fresh.Add((nuint)heap.Allocate(64)));
        }

        Assert.Contains(twice, fresh);
        Assert.Throws<InvalidFreeException>(() => heap.Trim());
        FreeAll(heap, fresh);
        FreeAll(heap, blocks.Where(block => block != twice));
        CheckEmpty(heap);
    }

    [Fact]
    public void Many_threads_that_free_one_block_are_all_but_one_told_or_nobody_gets_it_twice()
    {
        using NativeHeap heap = new();
        for (int round = 0; round < 200; round++)
        {
            nuint[] blocks = AllocateMany(heap, 64);
            int refused = 0;
            Parallel.For(0, 4, _ =>
            {
                foreach (nuint block in blocks)
                {
                    try
                    {
                        heap.Free((void*)block);
                    }
                    catch (InvalidFreeException)
                    {
                        _ = Interlocked.Increment(ref refused);
                    }
                }
            });
            Assert.InRange(refused, 0, 3 * blocks.Length);
            nuint[] next = AllocateMany(heap, 64);
            Assert.Equal(next.Length, next.Distinct().Count());
            FreeAll(heap, next);
        }

        try
        {
            _ = heap.Trim();
        }
        catch (InvalidFreeException)
        {
            // of what was freed in the same moment
        }

        CheckEmpty(heap);
    }

    [Fact]
    public void Debugging_checks_also_who_asks_to_be_trusted()
    {
        using NativeHeap heap = new(new NativeHeapOptions { TrustCaller = true, Debugging = new HeapDebugging { FillFresh = true } });
        void* block = heap.Allocate(64);
        heap.Free(block);
        Assert.Throws<InvalidFreeException>(() => heap.Free(block));
    }

    private static Action[] WrongUses(NativeHeap heap, nuint block, nuint size) =>
    [
        () => heap.Free((void*)block), () => heap.Free((void*)block, size), () => heap.GetSize((void*)block),
        () => heap.Reallocate((void*)block, 2 * size), () => heap.TryReallocate((void*)block, 1, out _),
    ];

    /// <summary>More than a starter arena gives, so that most are of slabs.</summary>
    private static nuint[] AllocateMany(NativeHeap heap, int size)
    {
        var blocks = new nuint[100];
        foreach (ref nuint block in blocks.AsSpan())
        {
            block = (nuint)heap.Allocate((nuint)size);
        }

        return blocks;
    }

    private static void FreeAll(NativeHeap heap, IEnumerable<nuint> blocks)
    {
        foreach (nuint block in blocks)
        {
            heap.Free((void*)block);
        }
    }

    private static void CheckEmpty(NativeHeap heap)
    {
        heap.Validate();
        Assert.Equal((0, 0u), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().InUse));
        _ = heap.Trim();
        Assert.Equal((0u, 0), (heap.GetStatistics().Held, heap.GetStatistics().Slabs));
        heap.Validate();
    }
}
