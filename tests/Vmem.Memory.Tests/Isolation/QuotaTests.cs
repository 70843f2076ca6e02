using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>A quota is the most that a client's blocks may take, their rounding included.</summary>
public unsafe class QuotaTests
{
    private const int BlockSize = 4_096;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    public void A_quota_is_used_to_the_last_block(int more)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client", (nuint)(10 * 16 + more));
        for (int i = 0; i < 10; i++)
        {
            client.Allocate(16);
        }

        AssertOverQuota(client, 1);
        Assert.Equal(2, client.GetStatistics().Failures);
        Assert.Equal((nuint)(10 * 16 + more), client.Quota);
    }

    [Fact]
    public void What_is_freed_counts_no_more()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client", 1_024);
        for (int i = 0; i < 1_000; i++)
        {
            void* block = client.Allocate(1_000);
            AssertOverQuota(client, 1);
            client.Free(block);
        }

        Assert.Equal((nuint)1_024, client.GetStatistics().PeakInUse);
    }

    [Fact]
    public void A_quota_below_the_smallest_block_allows_none()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client", 15);
        AssertOverQuota(client, 0);
        Assert.Equal((nuint)0, client.TotalSize);
    }

    /// <summary>Of the longest requests, too, which together with what is in use are more than a number holds.</summary>
    [Theory]
    [InlineData(2_000)]
    [InlineData(-60)]
    public void A_refusal_says_that_the_quota_is_used_up(int size)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client", 1_024);
        client.Allocate(100);
        ClientExhaustedException refusal = Assert.Throws<ClientExhaustedException>(() => client.Allocate((nuint)(nint)size));
        Assert.EndsWith("it uses 128 of its quota of 1024.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_clients_quota_is_not_anothers()
    {
        using MemoryContext context = Create();
        using MemoryClient bounded = context.CreateClient("bounded", 64);
        using MemoryClient free = context.CreateClient("free");
        bounded.Allocate(64);
        free.Allocate(4 * BlockSize);
        AssertOverQuota(bounded, 16);
    }

    [Fact]
    public void The_largest_quota_is_none()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client", nuint.MaxValue);
        while (client.TryAllocate(BlockSize, out _))
        {
        }

        ClientExhaustedException refusal = Assert.Throws<ClientExhaustedException>(() => client.Allocate(BlockSize));
        Assert.False(refusal.QuotaExceeded);
        Assert.Equal(context.Size, client.InUse);
    }

    /// <summary>A block that grows counts by what it grows, one that shrinks gives back.</summary>
    [Theory]
    [InlineData(16, 256)]
    [InlineData(BlockSize, 2 * BlockSize)]
    public void Resizing_keeps_to_the_quota(int small, int large)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client", (nuint)large);
        void* block = client.Allocate((nuint)small);
        Assert.False(client.TryResize(block, (nuint)large + 1));
        Assert.Throws<ClientExhaustedException>(() => client.Reallocate(block, (nuint)large + 1));
        Assert.True(client.TryResize(block, (nuint)large), "Nothing else is in the context.");
        Assert.Equal((nuint)large, client.InUse);
        AssertOverQuota(client, 1);
        Assert.True(client.TryResize(block, (nuint)small));
        Assert.Equal((nuint)small, client.InUse);
        Assert.True(client.TryAllocate(16, out _) || small + 16 > large);
    }

    /// <summary>A block that shrinks asks for nothing, and so is never refused, however full the quota and the context are.</summary>
    [Theory]
    [InlineData(3 * BlockSize, 2 * BlockSize)]
    [InlineData(3 * BlockSize, BlockSize)]
    [InlineData(3 * BlockSize, 100)]
    [InlineData(BlockSize, 0)]
    [InlineData(1_024, 1)]
    public void A_block_that_shrinks_is_never_refused(int from, int to)
    {
        foreach (bool resizes in new[] { true, false })
        {
            using MemoryContext context = Create();
            using MemoryClient other = context.CreateClient("other");
            using MemoryClient client = context.CreateClient("client", (nuint)from);
            byte* block = (byte*)client.Allocate((nuint)from);
            while (other.TryAllocate(16, out _))
            {
            }

            new Span<byte>(block, from).Fill(0x33);
            if (resizes)
            {
                Assert.True(client.TryResize(block, (nuint)to));
            }
            else
            {
                block = (byte*)client.Reallocate(block, (nuint)to);
            }

            Assert.Equal(-1, new ReadOnlySpan<byte>(block, to).IndexOfAnyExcept((byte)0x33));
            Assert.InRange(client.InUse, (nuint)to, (nuint)from);
            Assert.Equal(0, client.GetStatistics().Failures);
            context.Validate();
        }
    }

    private static MemoryContext Create() => new(32 * BlockSize, new MemoryContextOptions { Alignment = 16, BlockSize = BlockSize });

    private static void AssertOverQuota(MemoryClient client, nuint size)
    {
        nuint inUse = client.InUse;
        Assert.False(client.TryAllocate(size, out _));
        ClientExhaustedException refusal = Assert.Throws<ClientExhaustedException>(() => client.AllocateAligned(size, 16));
        Assert.True(refusal.QuotaExceeded);
        Assert.Equal(client.Quota, refusal.Quota);
        Assert.Equal(inUse, refusal.InUse);
        Assert.Equal(inUse, client.InUse);
    }
}
