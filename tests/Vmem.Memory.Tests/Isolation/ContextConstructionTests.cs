using System.IO.MemoryMappedFiles;
using Vmem.Memory.Tests.Blocks;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>What a context can be made from, and what it says to the rest.</summary>
public unsafe class ContextConstructionTests
{
    private static readonly MemoryContextOptions s_small = new() { Alignment = 16, BlockSize = 1_024 };

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(4_096)]
    public void The_default_block_size_is_64_KiB_or_64_times_the_alignment(int alignment)
    {
        using MemoryContext context = new(1 << 20, new MemoryContextOptions { Alignment = (nuint)alignment });
        Assert.Equal((nuint)Math.Max(65_536, 64 * alignment), context.BlockSize);
        Assert.Equal((nuint)alignment, context.Alignment);
        Assert.Equal(MemoryContextFeatures.ZeroOnHandOver, context.Features);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(12)]
    [InlineData(24)]
    public void An_alignment_that_is_no_power_of_two_of_at_least_8_is_refused(int alignment) =>
        Assert.Contains(
            "Alignment",
            Assert.ThrowsAny<ArgumentException>(() => new MemoryContext(
                1 << 20,
                new MemoryContextOptions { Alignment = (nuint)alignment })).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData(512)]
    [InlineData(1_023)]
    [InlineData(1_025)]
    [InlineData(3_072)]
    public void A_block_size_that_is_no_power_of_two_of_at_least_64_alignments_is_refused(int blockSize) =>
        Assert.Contains(
            "BlockSize",
            Assert.ThrowsAny<ArgumentException>(() => new MemoryContext(1 << 20, s_small with { BlockSize = (nuint)blockSize })).Message,
            StringComparison.Ordinal);

    /// <summary>Sizes that no machine has are refused before memory is asked for them.</summary>
    [Theory]
    [InlineData(26, 0)]
    [InlineData(63, 0)]
    [InlineData(3, 32)]
    [InlineData(3, 63)]
    public void Enormous_alignments_and_block_sizes_are_refused(int alignmentShift, int blockSizeShift)
    {
        MemoryContextOptions options =
            new() { Alignment = (nuint)1 << alignmentShift, BlockSize = blockSizeShift == 0 ? 0 : (nuint)1 << blockSizeShift };
        Assert.ThrowsAny<ArgumentException>(() => new MemoryContext(1 << 20, options));
    }

    [Fact]
    public void The_smallest_block_is_one_block_size()
    {
        using CallersBlock block = new(1_024);
        using MemoryContext context = new(block.Start, block.Size, s_small);
        using MemoryClient client = context.CreateClient("only");
        Assert.Equal((nuint)1_024, context.Size);
        for (int i = 0; i < 64; i++)
        {
            client.Allocate(16);
        }

        Assert.False(client.TryAllocate(1, out void* none));
        Assert.True(none is null);
        block.CheckMargins();
    }

    /// <summary>Memory at odd addresses is used as far as it is aligned, and no further.</summary>
    [Theory]
    [InlineData(0, 1_024, 1_024)]
    [InlineData(1, 1_024, 0)]
    [InlineData(1, 2_046, 0)]
    [InlineData(1, 2_047, 1_024)]
    [InlineData(1_023, 1_024, 0)]
    [InlineData(1_023, 1_025, 1_024)]
    [InlineData(0, 1_023, 0)]
    [InlineData(0, 0, 0)]
    [InlineData(512, 4_096, 3_072)]
    public void A_block_is_used_as_far_as_it_is_aligned(int offset, int size, int usable)
    {
        using CallersBlock block = new(size, offset);
        if (usable == 0)
        {
            Assert.ThrowsAny<ArgumentException>(() => new MemoryContext(block.Start, block.Size, s_small));
            return;
        }

        using (MemoryContext context = new(block.Start, block.Size, s_small))
        {
            Assert.Equal((nuint)usable, context.Size);
            Assert.Equal((nuint)0, (nuint)context.Start % 1_024);
            Assert.InRange((nint)context.Start, (nint)block.Start, (nint)block.Start + 1_023);
            MemoryClient client = context.CreateClient("all");
            while (client.TryAllocate(512, out void* taken))
            {
                new Span<byte>(taken, 512).Fill(0xFF);
            }

            Assert.Equal((nuint)usable, client.InUse);
        }

        block.CheckMargins();
    }

    [Fact]
    public void No_block_at_all_is_refused()
    {
        Assert.Equal("block", Assert.Throws<ArgumentNullException>(() => new MemoryContext(null, 1 << 20)).ParamName);
        Assert.ThrowsAny<ArgumentException>(() => new MemoryContext((nuint)0));
        Assert.ThrowsAny<ArgumentException>(() => new MemoryContext(null!, s_small));
    }

    [Fact]
    public void A_block_past_the_end_of_the_address_space_is_refused()
    {
        Assert.ThrowsAny<ArgumentException>(() => new MemoryContext((void*)nuint.MaxValue, 4_096, s_small));
        Assert.ThrowsAny<ArgumentException>(() => new MemoryContext((void*)65_536, nuint.MaxValue, s_small));
        Assert.ThrowsAny<ArgumentException>(() => new MemoryContext(nuint.MaxValue, s_small));
    }

    /// <summary>Memory of the context's own is asked for in whole block sizes.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(1_024)]
    [InlineData(1_025)]
    public void A_context_rounds_up_a_block_of_its_own(int size)
    {
        using MemoryContext context = new((nuint)size, s_small);
        Assert.Equal((nuint)((size + 1_023) / 1_024 * 1_024), context.Size);
    }

    [Fact]
    public void A_view_that_cannot_be_written_is_refused()
    {
        using MappedFile file = new(65_536, access: MemoryMappedFileAccess.Read);
        Assert.ThrowsAny<ArgumentException>(() => new MemoryContext(file.View, s_small));
    }

    /// <summary>A constructor that throws keeps nothing: the view's memory goes as the view is disposed of.</summary>
    [Theory]
    [InlineData(1 << 20, 16, 1_024, MemoryContextFeatures.ZeroOnFree | MemoryContextFeatures.PoisonOnFree)]
    [InlineData(1 << 20, 16, 1_024, (MemoryContextFeatures)(1 << 30))]
    [InlineData(1 << 20, 12, 1_024, MemoryContextFeatures.None)]
    [InlineData(512, 16, 1_024, MemoryContextFeatures.None)]
    public void A_refused_context_lets_go_of_its_view(int size, int alignment, int blockSize, MemoryContextFeatures features)
    {
        using MappedFile file = new(size);
        MemoryContextOptions options = new() { Alignment = (nuint)alignment, BlockSize = (nuint)blockSize, Features = features };
        Assert.ThrowsAny<ArgumentException>(() => new MemoryContext(file.View, options));
        file.View.Dispose();

        // Another release would be one too many, unless somebody still holds the view.
        Assert.Throws<ObjectDisposedException>(file.View.SafeMemoryMappedViewHandle.DangerousRelease);
    }

    [Fact]
    public void A_context_lets_go_of_its_view_when_it_is_disposed_of()
    {
        using MappedFile file = new(65_536);
        MemoryContext context = new(file.View, s_small);
        context.Dispose();
        context.Dispose();
        file.View.Dispose();
        Assert.Throws<ObjectDisposedException>(file.View.SafeMemoryMappedViewHandle.DangerousRelease);
    }

    /// <summary>What the caller lent is the caller's again, as the clients left it.</summary>
    [Fact]
    public void A_callers_block_outlives_the_context()
    {
        using CallersBlock block = new(65_536);
        using (MemoryContext context = new(block.Start, block.Size, s_small with { Features = MemoryContextFeatures.None }))
        {
            new Span<byte>(context.CreateClient("writer").Allocate(512), 512).Fill(0x77);
        }

        Assert.Equal(512, block.Span.Count((byte)0x77));
        Assert.Equal(65_536 - 512, block.Span.Count(CallersBlock.Secret));
    }

    [Fact]
    public void A_client_needs_a_name()
    {
        using MemoryContext context = new(1 << 20);
        Assert.Throws<ArgumentNullException>(() => context.CreateClient(null!));
    }
}
