using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>What a client has, and does not use, is used again before it takes more.</summary>
public unsafe class ClientReuseTests
{
    private const int BlockSize = 4_096;

    /// <summary>Blocks of half a granule are not cached: nothing but the empty region stands in the way.</summary>
    [Fact]
    public void An_empty_region_makes_way_for_a_large_block()
    {
        using MemoryContext context = new(4 * BlockSize, new MemoryContextOptions { Alignment = 16, BlockSize = BlockSize });
        using MemoryClient client = context.CreateClient("client");
        void* block = client.Allocate(BlockSize / 2);
        Assert.True(client.TryAllocate(3 * BlockSize, out _));
        client.Free(block);
        Assert.Equal((nuint)(4 * BlockSize), client.Held);
        Assert.True(client.TryAllocate(BlockSize, out void* large));
        Assert.Equal((nuint)BlockSize, client.GetSize(large));
        Assert.False(client.TryAllocate(1, out _));
        context.Validate();
    }

    [Fact]
    public void After_going_back_the_regions_from_before_the_mark_are_used_again()
    {
        using MemoryContext context = Create(MemoryContextFeatures.None);
        using MemoryClient client = context.CreateClient("client");
        client.Allocate(BlockSize / 2);
        MemoryMark mark = client.Mark();
        client.Allocate(BlockSize / 2);
        Assert.Equal((nuint)(2 * BlockSize), client.Held);     // nothing is given out of what was there before
        client.Release(mark);
        Assert.Equal((nuint)BlockSize, client.Held);
        client.Allocate(BlockSize / 2);
        Assert.Equal((nuint)BlockSize, client.Held);
        context.Validate();
    }

    /// <summary>At once, and not when the memory is used again.</summary>
    [Theory]
    [InlineData(100)]
    [InlineData(3 * BlockSize)]
    public void What_goes_back_to_a_mark_is_zeroed(int size)
    {
        using MemoryContext context = Create(MemoryContextFeatures.ZeroOnFree);
        using MemoryClient client = context.CreateClient("client");
        byte* kept = (byte*)client.Allocate(100);
        new Span<byte>(kept, 100).Fill(0xEE);
        MemoryMark mark = client.Mark();
        byte* block = (byte*)client.Allocate((nuint)size);
        new Span<byte>(block, size).Fill(0xEE);
        client.Release(mark);
        Assert.Equal(-1, new ReadOnlySpan<byte>(block, size).IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, new ReadOnlySpan<byte>(kept, 100).IndexOfAnyExcept((byte)0xEE));
    }

    private static MemoryContext Create(MemoryContextFeatures features) =>
        new(16 * BlockSize, new MemoryContextOptions { Alignment = 16, BlockSize = BlockSize, Features = features });
}
