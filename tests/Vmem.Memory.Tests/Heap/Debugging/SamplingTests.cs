using System.Runtime.CompilerServices;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>One block in many is debugged, and the others are not. A clock that stands still has no sample left out for the time it
/// takes.</summary>
[Collection("guard pages")]
public unsafe class SamplingTests
{
    // No class is so long: such a block has this size only if it is a sample.
    private const nuint Odd = 60;

    public static TheoryData<int> Sizes => [1, 15, 60, 100, 4_000, 4_096, 32_768, 50_001, 1_000_000];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_sample_has_a_guard_page_on_one_side_and_cannot_be_touched_once_it_is_free(int size)
    {
        using AccessProbe probe = new();
        using NativeHeap heap = Make(every: 1);
        List<bool> sides = [];
        for (int i = 0; i < 4; i++)
        {
            byte* block = (byte*)heap.Allocate((nuint)size);
            nuint alignment = size <= 64 || size % 16 == 0 ? 16u : 8u;
            byte* behind = (byte*)(((nuint)block + (nuint)size + alignment - 1) & ~(alignment - 1));
            bool isInFront = !probe.CanRead(block - 1);
            Assert.True(isInFront || !probe.CanRead(behind));
            Assert.True(probe.CanRead(block) && probe.CanRead(block + size - 1));
            Assert.Equal((nuint)size, heap.GetSize(block));
            new Span<byte>(block, size).Fill(1);
            heap.Free(block);
            Assert.False(probe.CanRead(block) || probe.CanRead(block + size - 1));
            sides.Add(isInFront);
        }

        Assert.Equal(2, sides.Count(isInFront => isInFront));
        _ = heap.Trim();
        Assert.Equal((0u, 0u, 0), (heap.GetStatistics().Held, heap.GetStatistics().Quarantined, heap.GetStatistics().LiveBlocks));
        heap.Validate();
    }

    /// <summary>A thread that takes and frees by turns comes to no slow path by itself.</summary>
    [Fact]
    public void In_a_loop_of_pairs_one_in_so_many_is_a_sample()
    {
        using NativeHeap heap = Make(every: 100);
        int samples = 0;
        for (int i = 0; i < 100_000; i++)
        {
            void* block = heap.Allocate(Odd);
            samples += heap.GetSize(block) == Odd ? 1 : 0;
            heap.Free(block);
        }

        Assert.InRange(samples, 850, 1_150);      // 1,000, give or take five times 32
        NativeHeapStatistics figures = heap.GetStatistics();
        Assert.Equal((100_000, 100_000, 0), (figures.Allocations, figures.Frees, figures.LiveBlocks));
        heap.Validate();
    }

    [Theory]
    [InlineData("live")]
    [InlineData("zeroed")]
    [InlineData("aligned")]
    [InlineData("large")]
    public void Blocks_of_all_kinds_are_samples(string kind)
    {
        using NativeHeap heap = Make(every: 10);
        nuint size = kind == "large" ? 40_001 : Odd;
        nuint[] blocks = [.. Enumerable.Range(0, 4_000).Select(_ => (nuint)Allocate(heap, kind, size))];
        int samples = blocks.Count(block => heap.GetSize((void*)block) == size);
        Assert.InRange(samples, 300, 500);        // 400, give or take five times 20
        Assert.Equal(samples, heap.GetAuditReport().Ranges);
        Assert.Equal(4_000, heap.GetStatistics().LiveBlocks);
        heap.Validate();
        foreach (nuint block in blocks)
        {
            if (kind == "zeroed")
            {
                Assert.Equal(-1, new Span<byte>((void*)block, (int)size).IndexOfAnyExcept((byte)0));
            }

            Assert.True(kind != "aligned" || block % 64 == 0);
            heap.Free((void*)block, size);
        }

        Assert.Equal((0, 0u), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().InUse));
        heap.Validate();
    }

    [Fact]
    public void A_double_free_is_told_with_all_three_stacks()
    {
        using NativeHeap heap = Make(every: 1);
        void* block = AllocateHere(heap, 100);
        FreeHere(heap, block);
        foreach (Action wrong in (Action[])[() => FreeAgain(heap, block), () => heap.GetSize(block), () => heap.Reallocate(block, 5)])
        {
            InvalidFreeException refusal = Assert.Throws<InvalidFreeException>(wrong);
            Assert.Equal(InvalidFreeReason.AlreadyFree, refusal.Reason);
            AssertTold(refusal, nameof(AllocateHere), nameof(FreeHere), "It had been allocated", "It was freed", "The attempt was made");
        }

        _ = heap.Allocate(10);                    // keeps the extent
        _ = heap.Trim();                          // it has left the quarantine, and is remembered
        InvalidFreeException late = Assert.Throws<InvalidFreeException>(() => FreeAgain(heap, block));
        AssertTold(late, nameof(AllocateHere), nameof(FreeHere), nameof(FreeAgain));
    }

    [Fact]
    public void Whatever_lies_around_a_sample_is_no_block()
    {
        using NativeHeap heap = Make(every: 1);
        byte*[] samples = [(byte*)heap.Allocate(100), (byte*)heap.Allocate(100)];
        foreach (byte* block in samples)
        {
            for (nint offset = -8_192; offset <= 8_192; offset += offset is > -200 and < 200 ? 1 : 8)
            {
                byte* address = block + offset;
                if (address != samples[0] && address != samples[1])
                {
                    _ = Assert.Throws<InvalidFreeException>(() => heap.Free(address));
                }
            }

            Assert.Equal(InvalidFreeReason.InteriorAddress, Assert.Throws<InvalidFreeException>(() => heap.Free(block + 50)).Reason);
            Assert.Equal(InvalidFreeReason.WrongSize, Assert.Throws<InvalidFreeException>(() => heap.Free(block, 101)).Reason);
        }

        heap.Validate();
        Assert.Equal(2, heap.GetStatistics().LiveBlocks);
        heap.Free(samples[0], 50);                // as of any block: the beginning of a span
        heap.Free(samples[1], 100);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(103)]
    public void A_write_that_no_guard_page_stops_is_found_by_the_free(int at)
    {
        using NativeHeap heap = Make(every: 1);
        byte* block = (byte*)AllocateHere(heap, 100);
        block[at] ^= 1;
        InvalidFreeException refusal = Assert.Throws<InvalidFreeException>(() => heap.Free(block));
        Assert.Equal(InvalidFreeReason.Corrupted, refusal.Reason);
        AssertTold(refusal, nameof(AllocateHere), $"the byte at {at}");
        block[at] ^= 1;
        heap.Free(block);
    }

    [Fact]
    public void A_sample_moves_when_it_is_resized_and_keeps_its_contents()
    {
        using NativeHeap heap = Make(every: 1);
        byte* block = (byte*)heap.Allocate(100);
        Pattern.Write(block, 100, 7);
        byte* moved = (byte*)heap.Reallocate(block, 5_000);
        Assert.True(moved != block && Pattern.Holds(moved, 100, 7));
        Assert.Throws<InvalidFreeException>(() => heap.Free(block));
        heap.Free(moved);
    }

    /// <summary>What comes after is allocated all the same, and so are samples once there is room for them.</summary>
    [Fact]
    public void There_are_only_so_many_samples_at_a_time()
    {
        using NativeHeap heap = Make(every: 1);
        nuint[] blocks = [.. Enumerable.Range(0, 3_000).Select(_ => (nuint)heap.Allocate(Odd))];
        Assert.Equal(1_000, blocks.Count(block => heap.GetSize((void*)block) == Odd));
        Assert.Equal(1_000, heap.GetAuditReport().Ranges);
        heap.Validate();
        Array.ForEach(blocks, block => heap.Free((void*)block));
        Assert.InRange(heap.GetStatistics().Quarantined, 1u, 1u << 20);
        Assert.Equal((0, 0u), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().InUse));
        void* next = heap.Allocate(Odd);
        Assert.Equal(Odd, heap.GetSize(next));
        heap.Validate();
    }

    /// <summary>A heap with a limit serves as many requests with samples as without, but for the part that these may take.</summary>
    [Fact]
    public void Samples_take_a_small_part_of_a_limit()
    {
        int Fill(HeapDebugging debugging)
        {
            using NativeHeap heap = new(new NativeHeapOptions { Limit = 8 << 20, Debugging = debugging, TimeProvider = new ManualTime() });
            int count = 0;
            while (heap.TryAllocate(1_000, out _))
            {
                count++;
            }

            heap.Validate();
            return count;
        }

        int without = Fill(HeapDebugging.None);
        Assert.InRange(Fill(new HeapDebugging { Sample = 2 }), without * 15 / 16, without);
    }

    /// <summary>What is kept of freed samples goes before a request fails.</summary>
    [Fact]
    public void The_quarantine_goes_before_a_request_fails()
    {
        using NativeHeap heap = new(new NativeHeapOptions
        {
            Limit = 8 << 20,
            Debugging = new HeapDebugging { Sample = 1, Quarantine = 8 << 20 },
            TimeProvider = new ManualTime()
        });
        heap.Free(heap.Allocate(3 << 20));
        heap.Free(heap.Allocate(7 << 20));
        heap.Free(heap.Allocate(8 << 20));
        heap.Validate();
    }

    [Fact]
    public void Random_use_by_many_threads_damages_nothing()
    {
        using NativeHeap heap = Make(every: 5);
        Parallel.For(0, 4, thread =>
        {
            Random random = new(thread);
            List<(nuint Block, nuint Size, int Mark)> live = [];
            for (int i = 0; i < 5_000; i++)
            {
                if (live.Count > 100 || (live.Count > 0 && random.Next(2) == 0))
                {
                    int index = random.Next(live.Count);
                    (nuint block, nuint size, int mark) = live[index];
                    Assert.True(Pattern.Holds((void*)block, size, mark));
                    heap.Free((void*)block);
                    Assert.Throws<InvalidFreeException>(() => heap.Free((void*)(block + 1)));
                    live[index] = live[^1];
                    live.RemoveAt(live.Count - 1);
                }
                else
                {
                    nuint size = (nuint)random.Next(1, random.Next(8) == 0 ? 100_000 : 500);
                    nuint block = (nuint)heap.Allocate(size);
                    Pattern.Write((void*)block, size, i);
                    live.Add((block, size, i));
                }
            }

            live.ForEach(it => heap.Free((void*)it.Block));
        });
        heap.Validate();
        Assert.Equal((0, 0u), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().InUse));
        _ = heap.Trim();
        Assert.Equal(0u, heap.GetStatistics().Held);
    }

    /// <summary>Guard pages lie in the extents that the next heap has.</summary>
    [Fact]
    public void A_disposed_heap_leaves_no_guard_pages_behind()
    {
        for (int round = 0; round < 4; round++)
        {
            using (NativeHeap sampled = Make(every: 2))
            {
                for (int i = 0; i < 200; i++)
                {
                    _ = sampled.Allocate((nuint)i);
                }
            }

            using NativeHeap plain = new(new NativeHeapOptions { Limit = 4 << 20, Debugging = HeapDebugging.None });
            new Span<byte>(plain.Allocate(3 << 20), 3 << 20).Fill(1);
        }
    }

    [Fact]
    public void Leaks_among_the_samples_are_told_with_their_stacks()
    {
        List<HeapLeak> leaks = [];
        using (NativeHeap heap = Make(every: 1, leaks.Add))
        {
            _ = AllocateHere(heap, 100);
        }

        HeapLeak leak = Assert.Single(leaks);
        Assert.Equal((1, (nuint)100), (leak.Blocks, leak.Size));
        Assert.Contains(nameof(AllocateHere), leak.Report!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_other_blocks_are_those_of_a_heap_without_debugging()
    {
        HeapDebugging rare = new() { Sample = int.MaxValue };
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = rare, TimeProvider = new ManualTime() });
        Assert.Equal(rare, heap.Debugging);
        for (int i = 0; i < 1_000; i++)
        {
            void* block = heap.Allocate(Odd);
            Assert.Equal(64u, heap.GetSize(block));
            heap.Free(block);
            Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => heap.Free(block)).Reason);
        }

        Assert.Equal((0, 1_000), (heap.GetStatistics().LiveBlocks, heap.GetStatistics().Allocations));
        Assert.Throws<ArgumentOutOfRangeException>(() => new HeapDebugging { Sample = -1 });
    }

    private static NativeHeap Make(int every, Action<HeapLeak>? leaked = null) => new(new NativeHeapOptions
    {
        Name = "sampled",
        Debugging = new HeapDebugging { Sample = every, Leaked = leaked },
        TimeProvider = new ManualTime()
    });

    private static void* Allocate(NativeHeap heap, string kind, nuint size) => kind switch
    {
        "zeroed" => heap.AllocateZeroed(size),
        "aligned" => heap.AllocateAligned(size, 64),
        _ => heap.Allocate(size),
    };

    private static void AssertTold(InvalidFreeException refusal, params string[] parts) =>
        Assert.All(parts, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void* AllocateHere(NativeHeap heap, nuint size) => heap.Allocate(size);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FreeHere(NativeHeap heap, void* block) => heap.Free(block);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FreeAgain(NativeHeap heap, void* block) => heap.Free(block);
}
