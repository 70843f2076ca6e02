using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Which blocks requests get.</summary>
public unsafe class AllocationTests
{
    private const int BlockSize = 4_096;

    private static readonly MemoryContextOptions s_options = new() { Alignment = 16, BlockSize = BlockSize };

    /// <summary>Powers of two up to half the block size, then whole block sizes.</summary>
    [Theory]
    [InlineData(0, 16)]
    [InlineData(1, 16)]
    [InlineData(16, 16)]
    [InlineData(17, 32)]
    [InlineData(2_047, 2_048)]
    [InlineData(2_048, 2_048)]
    [InlineData(2_049, 4_096)]
    [InlineData(4_096, 4_096)]
    [InlineData(4_097, 8_192)]
    [InlineData(8_193, 12_288)]
    public void A_size_is_rounded_and_the_block_aligned_to_it(int size, int rounded)
    {
        using MemoryContext context = new(16 * BlockSize, s_options);
        using MemoryClient client = context.CreateClient("client");
        client.Allocate(16);
        void* block = client.Allocate((nuint)size);
        Assert.Equal((nuint)rounded, client.GetSize(block));
        Assert.Equal((nuint)(16 + rounded), client.InUse);
        Assert.Equal((nuint)0, (nuint)block % (nuint)Math.Min(rounded, BlockSize));
        client.Free(block);
        Assert.Equal((nuint)16, client.InUse);
    }

    /// <summary>Where guard bytes follow, at least eight of them have to fit, and the usable size is the one asked for.</summary>
    [Theory]
    [InlineData(0, 16)]
    [InlineData(8, 16)]
    [InlineData(9, 32)]
    [InlineData(2_040, 2_048)]
    [InlineData(2_041, 4_096)]
    [InlineData(4_088, 4_096)]
    [InlineData(4_089, 8_192)]
    public void Guard_bytes_are_rounded_with_the_size(int size, int rounded)
    {
        using MemoryContext context = new(16 * BlockSize, s_options with { Features = MemoryContextFeatures.GuardBytes });
        using MemoryClient client = context.CreateClient("client");
        void* block = client.Allocate((nuint)size);
        Assert.Equal((nuint)size, client.GetSize(block));
        Assert.Equal((nuint)rounded, client.InUse);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(5_000)]
    public void An_aligned_block_starts_where_it_was_asked_to(int size)
    {
        using MemoryContext context = new(64 * BlockSize, s_options);
        using MemoryClient client = context.CreateClient("client");
        for (nuint alignment = 1; alignment <= BlockSize; alignment *= 2)
        {
            client.Allocate(16);
            void* block = client.AllocateAligned((nuint)size, alignment);
            Assert.Equal((nuint)0, (nuint)block % alignment);
            Assert.True(client.GetSize(block) >= (nuint)size);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(48)]
    [InlineData(2 * BlockSize)]
    public void An_alignment_that_cannot_be_is_refused(int alignment)
    {
        using MemoryContext context = new(16 * BlockSize, s_options);
        using MemoryClient client = context.CreateClient("client");
        Assert.ThrowsAny<ArgumentException>(() => client.AllocateAligned(16, (nuint)alignment));
        Assert.ThrowsAny<ArgumentException>(() => client.AllocateAligned(16, nuint.MaxValue));
        Assert.Equal(0, client.GetStatistics().Failures);
    }

    /// <summary>Sizes whose rounding passes the end of the number line.</summary>
    [Theory]
    [InlineData(MemoryContextFeatures.None)]
    [InlineData(MemoryContextFeatures.GuardBytes)]
    public void Sizes_beyond_all_memory_are_refused(MemoryContextFeatures features)
    {
        using MemoryContext context = new(16 * BlockSize, s_options with { Features = features });
        using MemoryClient client = context.CreateClient("client");
        foreach (nuint less in new nuint[]
        {
            0, 1, 7, 8, 9, 4_095, 4_096, 4_097, nuint.MaxValue / 2, (nuint.MaxValue / 2) + 1, nuint.MaxValue - (16 * BlockSize) - 1
        })
        {
            nuint size = nuint.MaxValue - less;
            Assert.False(client.TryAllocate(size, out void* block));
            Assert.True(block is null);
            Assert.Throws<ClientExhaustedException>(() => client.Allocate(size));
            Assert.Throws<ClientExhaustedException>(() => client.AllocateZeroed(size));
            Assert.Throws<ClientExhaustedException>(() => client.AllocateAligned(size, 64));
            void* held = client.Allocate(32);
            nuint inUse = client.InUse;
            Assert.False(client.TryResize(held, size));
            Assert.Throws<ClientExhaustedException>(() => client.Reallocate(held, size));
            Assert.Equal(inUse, client.InUse);
            client.Free(held);
        }

        context.Validate();
    }

    [Fact]
    public void A_refusal_says_who_wanted_what_and_why_not()
    {
        using MemoryContext context = new(4 * BlockSize, s_options);
        using MemoryClient client = context.CreateClient("the-greedy-one");
        client.Allocate(2 * BlockSize);
        client.Allocate(16);
        ClientExhaustedException refusal = Assert.Throws<ClientExhaustedException>(() => client.Allocate((2 * BlockSize) - 1));
        Assert.IsAssignableFrom<OutOfMemoryException>(refusal);
        Assert.Equal("the-greedy-one", refusal.ClientName);
        Assert.Equal((nuint)(2 * BlockSize), refusal.Requested);
        Assert.Equal((nuint)((2 * BlockSize) + 16), refusal.InUse);
        Assert.Equal((nuint)0, refusal.Quota);
        Assert.False(refusal.QuotaExceeded);
        Assert.Equal((nuint)BlockSize, refusal.ContextFree);
        Assert.Contains("the-greedy-one", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("8192", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Null_is_no_block()
    {
        using MemoryContext context = new(16 * BlockSize, s_options);
        MemoryClient client = context.CreateClient("client");
        client.Free(null);
        client.Free(default(Span<byte>));
        Assert.False(client.Owns(null));
        Assert.Throws<InvalidFreeException>(() => client.GetSize(null));
        Assert.Throws<InvalidFreeException>(() => client.TryResize(null, 16));
        Assert.Equal(0, client.GetStatistics().Frees);
        client.Dispose();
        client.Free(null);
    }

    [Fact]
    public void An_address_is_owned_as_long_as_a_block_is_there()
    {
        using MemoryContext context = new(16 * BlockSize, s_options);
        using MemoryClient client = context.CreateClient("client");
        using MemoryClient other = context.CreateClient("other");
        foreach (nuint size in new nuint[] { 16, 1_000, 10_000 })
        {
            byte* block = (byte*)client.Allocate(size);
            nuint last = client.GetSize(block) - 1;
            Assert.True(client.Owns(block) && client.Owns(block + 7) && client.Owns(block + last));
            Assert.False(client.Owns(block + last + 1) || client.Owns(block - 1));
            Assert.False(other.Owns(block) || other.Owns(block + last));
            Assert.True(context.TryGetClient(block + last, out MemoryClient? holder));
            Assert.Same(client, holder);
            client.Free(block);
            Assert.False(client.Owns(block));
        }

        Assert.False(client.Owns((byte*)context.Start - 1) || client.Owns((byte*)context.Start + context.Size));
        Assert.False(context.TryGetClient((byte*)context.Start - 1, out _)
            || context.TryGetClient((byte*)context.Start + context.Size, out _));
        Assert.False(context.TryGetClient(null, out _));
    }
}
