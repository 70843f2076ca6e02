using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Blocks that become longer or shorter, where they lie or elsewhere.</summary>
public unsafe class ResizeTests
{
    private const int BlockSize = 4_096;

    [Fact]
    public void Null_is_reallocated_to_a_new_block()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        void* block = client.Reallocate(null, 100);
        Assert.Equal((nuint)128, client.GetSize(block));
        Assert.Equal(1, client.GetStatistics().Allocations);
    }

    /// <summary>Unlike C's realloc, size 0 frees nothing: a block has an address, however short it is.</summary>
    [Fact]
    public void Size_0_is_the_smallest_block()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        void* block = client.Reallocate(client.Allocate(1_000), 0);
        Assert.Equal((nuint)16, client.GetSize(block));
        Assert.Equal((nuint)16, client.InUse);
    }

    [Theory]
    [InlineData(1, 16)]
    [InlineData(16, 17)]
    [InlineData(17, 16)]
    [InlineData(2_048, 2_049)]
    [InlineData(2_049, 2_048)]
    [InlineData(4_096, 12_288)]
    [InlineData(12_288, 4_096)]
    [InlineData(30_000, 1)]
    [InlineData(1, 30_000)]
    public void Contents_are_kept_up_to_the_lesser_size(int from, int to)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        byte* block = (byte*)client.Allocate((nuint)from);
        for (int i = 0; i < from; i++)
        {
            block[i] = (byte)((i * 7) + 1);
        }

        byte* moved = (byte*)client.Reallocate(block, (nuint)to);
        for (int i = 0; i < Math.Min(from, to); i++)
        {
            Assert.Equal((byte)((i * 7) + 1), moved[i]);
        }

        Assert.Equal(1, client.GetStatistics().LiveBlocks);
        Assert.Equal(client.GetSize(moved), client.InUse);
        Assert.True(moved == block || !client.Owns(block) || client.Owns(moved));
        context.Validate();
    }

    /// <summary>A client that has nothing else has nothing that is in the way: not even blocks that it keeps ready.</summary>
    [Fact]
    public void A_lone_block_grows_and_shrinks_where_it_lies()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        client.Free(client.Allocate(16));
        byte* block = (byte*)client.AllocateAligned(16, 2_048);
        Assert.True(client.TryResize(block, 16));
        for (nuint size = 32; size <= 2_048; size *= 2)
        {
            Assert.True(client.TryResize(block, size), $"{size} bytes were refused.");
            Assert.Equal(size, client.GetSize(block));
        }

        for (nuint size = 1_024; size >= 16; size /= 2)
        {
            Assert.True(client.TryResize(block, size));
            Assert.Equal(size, client.InUse);
        }

        context.Validate();
    }

    /// <summary>A freed neighbour may be kept ready for the next request of its size; it is free all the same.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(128)]
    [InlineData(1_024)]
    public void A_block_grows_over_a_freed_neighbour(int size)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        byte* one = (byte*)client.Allocate((nuint)size);
        byte* two = (byte*)client.Allocate((nuint)size);
        Assert.Equal(size, Math.Abs(two - one));
        byte* left = one < two ? one : two;
        client.Free(one < two ? two : one);
        Assert.True(client.TryResize(left, (nuint)(2 * size)));
        Assert.Equal((nuint)(2 * size), client.GetSize(left));
        context.Validate();
    }

    [Fact]
    public void A_large_block_grows_and_shrinks_where_it_lies()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        using MemoryClient other = context.CreateClient("other");
        byte* block = (byte*)client.Allocate(BlockSize);
        for (int granules = 2; granules <= 16; granules++)
        {
            Assert.True(client.TryResize(block, (nuint)(granules * BlockSize)));
            Assert.Equal((nuint)(granules * BlockSize), client.TotalSize);
            Assert.True(client.Owns(block + (granules * BlockSize) - 1));
        }

        Assert.False(client.TryResize(block, (16 * BlockSize) + 1));
        Assert.True(client.TryResize(block, 3 * BlockSize));
        byte* behind = (byte*)other.Allocate(BlockSize);
        Assert.True(behind >= block + (3 * BlockSize), "What the block gave up is another's now.");
        Assert.False(client.Owns(behind));
        Assert.True(context.TryGetClient(behind, out MemoryClient? holder));
        Assert.Same(other, holder);
        context.Validate();
    }

    [Fact]
    public void A_block_does_not_grow_over_its_neighbour()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        byte* one = (byte*)client.Allocate(2_048);
        byte* two = (byte*)client.Allocate(2_048);
        byte* left = one < two ? one : two;
        byte* right = one < two ? two : one;
        Assert.True(client.TryResize(left, 1_024));
        Assert.True(client.TryResize(left, 2_048));
        Assert.False(client.TryResize(left, 2_049));
        Assert.False(client.TryResize(right, 2_049));
        Assert.Equal((nuint)4_096, client.InUse);

        byte* large = (byte*)client.Allocate(BlockSize);
        while (client.TryAllocate(BlockSize, out _))
        {
        }

        Assert.False(client.TryResize(large, 2 * BlockSize));
        context.Validate();
    }

    [Fact]
    public void A_refused_reallocation_leaves_the_block_as_it_was()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        byte* block = (byte*)client.Allocate(100);
        new Span<byte>(block, 128).Fill(0x44);
        Assert.Throws<ClientExhaustedException>(() => client.Reallocate(block, 16 * BlockSize));
        Assert.True(client.Owns(block));
        Assert.Equal((nuint)128, client.InUse);
        Assert.Equal(-1, new ReadOnlySpan<byte>(block, 128).IndexOfAnyExcept((byte)0x44));
        client.Free(block);
    }

    /// <summary>There is no room for the block twice, and behind it lies what somebody holds for nothing.</summary>
    [Theory]
    [InlineData(false, 0)]
    [InlineData(false, 12 * BlockSize)]
    [InlineData(true, 0)]
    [InlineData(true, 12 * BlockSize)]
    public void A_block_is_reallocated_over_what_is_only_held_in_reserve(bool isOwnReserve, int quota)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client", (nuint)quota);
        using MemoryClient other = context.CreateClient("other");
        byte* block = (byte*)client.Allocate(9 * BlockSize);
        new Span<byte>(block, 9 * BlockSize).Fill(0x44);
        MemoryClient hoarder = isOwnReserve ? client : other;
        void* behind = hoarder.Allocate(16);
        Assert.Equal((nint)(block + (9 * BlockSize)), (nint)behind);
        hoarder.Free(behind);
        byte* grown = (byte*)client.Reallocate(block, 12 * BlockSize);
        Assert.Equal((nint)block, (nint)grown);
        Assert.Equal(-1, new ReadOnlySpan<byte>(grown, 9 * BlockSize).IndexOfAnyExcept((byte)0x44));
        Assert.Equal(0, client.GetStatistics().Failures);
        context.Validate();
    }

    /// <summary>A block that moves off its own region of whole block sizes does not keep it.</summary>
    [Fact]
    public void A_large_block_that_becomes_small_gives_its_region_back()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        client.Allocate(16);
        void* small = client.Reallocate(client.Allocate(8 * BlockSize), 100);
        Assert.Equal((nuint)128, client.GetSize(small));
        Assert.Equal((nuint)BlockSize, client.TotalSize);
        Assert.Equal(0, client.GetStatistics().Failures);
    }

    private static MemoryContext Create() => new(16 * BlockSize, new MemoryContextOptions { Alignment = 16, BlockSize = BlockSize });
}
