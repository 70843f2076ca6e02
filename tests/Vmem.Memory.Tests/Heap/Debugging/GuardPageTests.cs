using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>Blocks that end at a page that faults.</summary>
[Collection("guard pages")]                   // the process has only so many
public unsafe class GuardPageTests
{
    public static TheoryData<int> Sizes => [1, 8, 15, 16, 63, 64, 65, 100, 4_000, 4_096, 4_097, 32_768, 50_001, 1_000_000];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void What_lies_behind_a_block_cannot_be_touched(int size)
    {
        using AccessProbe probe = new();
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Firewall });
        byte* block = (byte*)heap.Allocate((nuint)size);
        nuint alignment = size <= 64 || size % 16 == 0 ? 16u : 8u;
        byte* page = (byte*)(((nuint)block + (nuint)size + alignment - 1) & ~(alignment - 1));
        Assert.Equal((nuint)0, (nuint)page % (nuint)Environment.SystemPageSize);
        Assert.False(probe.CanRead(page));
        Assert.False(probe.CanRead(page + Environment.SystemPageSize - 1));
        for (byte* at = block; at < page; at++)
        {
            Assert.True(probe.CanRead(at));
            at += Math.Max(0, Math.Min(1_000, (int)(page - at) - 2));
        }

        heap.Free(block);
        Assert.False(probe.CanRead(block));
        Assert.False(probe.CanRead(block + size - 1));
        heap.Trim();
        Assert.Equal((nuint)0, heap.GetStatistics().Held);
        heap.Validate();
    }

    /// <summary>And what is asked to be aligned is.</summary>
    [Theory]
    [MemberData(nameof(Sizes))]
    public void With_exact_guards_the_first_byte_behind_a_block_cannot_be_touched(int size)
    {
        using AccessProbe probe = new();
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Firewall with { ExactGuards = true } });
        byte* block = (byte*)heap.Allocate((nuint)size);
        Assert.True(probe.CanRead(block) && probe.CanRead(block + size - 1));
        Assert.False(probe.CanRead(block + size));
        Assert.Equal((nuint)size, heap.GetSize(block));
        block = (byte*)heap.Reallocate(block, (nuint)size + 3);
        Assert.False(probe.CanRead(block + size + 3));
        heap.Free(block);
        byte* aligned = (byte*)heap.AllocateAligned((nuint)size, 32);
        Assert.Equal(0u, (nuint)aligned % 32);
        heap.Free(aligned);
        heap.Validate();
    }

    [Fact]
    public void Only_blocks_of_the_chosen_sizes_have_one()
    {
        using AccessProbe probe = new();
        using NativeHeap heap =
            new(new NativeHeapOptions { Debugging = HeapDebugging.None with { GuardPagesFrom = 128, GuardPagesTo = 256 } });
        foreach ((nuint size, bool guarded) in new (nuint, bool)[] { (112, false), (128, true), (256, true), (272, false) })
        {
            byte* block = (byte*)heap.Allocate(size);
            Assert.Equal(guarded, !probe.CanRead(block + size));
            heap.Free(block);
        }
    }

    [Fact]
    public void An_aligned_block_has_one_as_long_as_its_alignment_is_at_most_a_page()
    {
        using AccessProbe probe = new();
        using NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Firewall });
        nuint page = (nuint)Environment.SystemPageSize;
        byte* block = (byte*)heap.AllocateAligned(10, 256);
        Assert.False(probe.CanRead(block + 256));
        block[10]++;
        Assert.Equal(InvalidFreeReason.Corrupted, Assert.Throws<InvalidFreeException>(() => heap.Free(block)).Reason);
        block[10]--;
        heap.Free(block);
        byte* coarse = (byte*)heap.AllocateAligned(10, page);
        Assert.False(probe.CanRead(coarse + page));
        byte* coarser = (byte*)heap.AllocateAligned(page, 2 * page);
        Assert.Equal((nuint)0, (nuint)coarser % (2 * page));
        heap.Free(coarse);
        heap.Free(coarser);
    }

    /// <summary>The page begins where the block's alignment lets it.</summary>
    [Fact]
    public void What_lies_between_a_block_and_its_page_is_watched_also_where_there_are_no_red_zones()
    {
        using NativeHeap heap =
            new(new NativeHeapOptions { Debugging = HeapDebugging.None with { GuardPagesFrom = 1, GuardPagesTo = 1_000 } });
        byte* block = (byte*)heap.Allocate(100);
        block[103] ^= 1;
        Assert.Equal(InvalidFreeReason.Corrupted, Assert.Throws<InvalidFreeException>(() => heap.Free(block)).Reason);
        block[103] ^= 1;
        heap.Free(block);
    }

    /// <summary>Memory of another kind that is handed out where guard pages were can be touched.</summary>
    [Fact]
    public void Pages_come_back_accessible()
    {
        using NativeHeap heap = new(new NativeHeapOptions
        {
            Limit = 4 << 20,
            Debugging = HeapDebugging.None with { GuardPagesFrom = 1, GuardPagesTo = 1_000 }
        });
        for (int round = 0; round < 5; round++)
        {
            List<nint> blocks = [];
            while (heap.TryAllocate(100, out void* block))
            {
                blocks.Add((nint)block);
            }

            Assert.InRange(blocks.Count, 300, 600);
            blocks.ForEach(block => heap.Free((void*)block));
            byte* large = (byte*)heap.Allocate(3 << 20);
            new Span<byte>(large, 3 << 20).Fill(1);
            heap.Free(large);
        }
    }

    /// <summary>A heap that comes next must not find them.</summary>
    [Fact]
    public void A_disposed_heap_leaves_no_guard_pages_behind()
    {
        for (int round = 0; round < 8; round++)
        {
            using (NativeHeap guarded =
                new(new NativeHeapOptions { Limit = 4 << 20, Debugging = HeapDebugging.Firewall with { Owners = false } }))
            {
                for (int i = 0; i < 100; i++)
                {
                    _ = guarded.Allocate((nuint)i);
                }
            }

            using NativeHeap plain = new(new NativeHeapOptions { Limit = 4 << 20, Debugging = HeapDebugging.None });
            new Span<byte>(plain.Allocate(3 << 20), 3 << 20).Fill(1);
        }
    }
}
