using Vmem.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Contexts that become larger.</summary>
public unsafe class ContextGrowthTests
{
    private const nuint Megabyte = 1 << 20;

    [Theory]
    [InlineData(MemoryContextFeatures.ZeroOnHandOver)]
    [InlineData(MemoryContextFeatures.Synchronized | MemoryContextFeatures.PoisonOnFree | MemoryContextFeatures.GuardBytes)]
    public void A_context_grows_until_it_is_as_large_as_it_may_be(MemoryContextFeatures features)
    {
        using MemoryContext context = new(Megabyte, new MemoryContextOptions { MaxSize = 16 * Megabyte, Features = features });
        Assert.Equal((Megabyte, 16 * Megabyte), (context.Size, context.MaxSize));
        using MemoryClient client = context.CreateClient("growing");
        List<nuint> blocks = [];
        List<nuint> sizes = [context.Size];
        while (client.TryAllocate(100_000, out void* block))
        {
            new Span<byte>(block, 100_000).Fill((byte)blocks.Count);
            blocks.Add((nuint)block);
            if (context.Size != sizes[^1])
            {
                sizes.Add(context.Size);
                context.Validate();
            }
        }

        Assert.Equal([1, 2, 4, 8, 16], sizes.Select(size => (int)(size / Megabyte)));
        Assert.InRange(blocks.Count, 120, 168);
        for (int i = 0; i < blocks.Count; i++)
        {
            Assert.Equal(-1, new Span<byte>((void*)blocks[i], 100_000).IndexOfAnyExcept((byte)i));
        }

        context.Validate();
    }

    [Fact]
    public void It_grows_by_a_request_that_is_more_than_itself()
    {
        using MemoryContext context = new(Megabyte, new MemoryContextOptions { MaxSize = 100 * Megabyte });
        using MemoryClient client = context.CreateClient("large");
        using MemoryClient other = context.CreateClient("other");
        void* block = client.Allocate(40 * Megabyte);
        Assert.InRange(context.Size, 40 * Megabyte, 42 * Megabyte);
        Assert.False(other.TryAllocate(80 * Megabyte, out _));
        Assert.Throws<ClientExhaustedException>(() => other.Allocate(101 * Megabyte));
        client.Free(block);
        Assert.True(other.TryAllocate(80 * Megabyte, out _));
        context.Validate();
    }

    /// <summary>Twice as much is refused, then as much as is needed; in the end nothing has changed.</summary>
    [Fact]
    public void A_growth_that_the_system_refuses_changes_nothing()
    {
        using MemoryContext context = new(Megabyte, new MemoryContextOptions { MaxSize = 16 * Megabyte });
        using MemoryClient client = context.CreateClient("refused");
        client.Allocate(Megabyte);
        using (SystemCallFault refusal = SystemCallFault.Inject(call => call == SystemCall.Commit))
        {
            Assert.False(client.TryAllocate(100_000, out _));
            Assert.True(refusal.Failed >= 2);
        }

        Assert.Equal(Megabyte, context.Size);
        context.Validate();
        using (SystemCallFault.Inject(SystemCall.Commit, nth: 1))
        {
            client.Allocate(100_000);
        }

        Assert.Equal(Megabyte + (128 << 10), context.Size);
        context.Validate();
    }

    [Fact]
    public void What_cannot_grow_says_so()
    {
        MemoryContextOptions growing = new() { MaxSize = 2 * Megabyte };
        byte[] memory = GC.AllocateUninitializedArray<byte>(1 << 20, pinned: true);
        fixed (byte* block = memory)
        {
            nint start = (nint)block;
            ArgumentException borrowed = Assert.Throws<ArgumentException>(() => new MemoryContext((void*)start, Megabyte, growing));
            Assert.Contains("MaxSize", borrowed.Message, StringComparison.Ordinal);
        }

        ArgumentException small = Assert.Throws<ArgumentException>(() => new MemoryContext(Megabyte, growing with { BlockSize = 1_024 }));
        Assert.Contains("whole pages", small.Message, StringComparison.Ordinal);
        using MemoryContext context = new(Megabyte);
        using MemoryClient client = context.CreateClient("fixed");
        client.Allocate(Megabyte);
        Assert.False(client.TryAllocate(1, out _));
        Assert.Equal(context.Size, context.MaxSize);
    }
}
