using Vmem.Memory.Tests.Blocks;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Which features there are, and what each of them promises.</summary>
public unsafe class FeatureTests
{
    private const int BlockSize = 4_096;

    [Fact]
    public void Every_named_feature_is_supported()
    {
        foreach (MemoryContextFeatures feature in Enum.GetValues<MemoryContextFeatures>())
        {
            Assert.True(MemoryContext.SupportedFeatures.HasFlag(feature), $"{feature} is not.");
        }
    }

    /// <summary>What a context accepted is what it was given; what contradicts itself it refuses, and says why.</summary>
    [Fact]
    public void A_context_accepts_every_set_of_features_that_is_no_contradiction()
    {
        int accepted = 0;
        foreach (MemoryContextFeatures features in FeatureCombinations.All)
        {
            MemoryContextOptions options = new() { Features = features };
            if (FeatureCombinations.AreContradictory(features))
            {
                string message = Assert.ThrowsAny<ArgumentException>(() => new MemoryContext(1 << 20, options)).Message;
                Assert.Contains(nameof(MemoryContextFeatures.PoisonOnFree), message, StringComparison.Ordinal);
                continue;
            }

            using MemoryContext context = new(1 << 20, options);
            Assert.Equal(features, context.Features);
            accepted++;
        }

        Assert.Equal(96, accepted);
    }

    [Theory]
    [InlineData(1 << 7)]
    [InlineData(1 << 30)]
    [InlineData(int.MinValue)]
    [InlineData(-1)]
    public void An_unknown_feature_is_refused(int features)
    {
        MemoryContextOptions options = new() { Features = (MemoryContextFeatures)features };
        Assert.ThrowsAny<ArgumentException>(() => new MemoryContext(1 << 20, options));
    }

    [Theory]
    [InlineData(BlockOrigin.Callers)]
    [InlineData(BlockOrigin.Own)]
    [InlineData(BlockOrigin.Mapped)]
    public void ZeroOnAllocate_zeroes_a_block_and_its_rounding(BlockOrigin origin)
    {
        using ContextOnBlock block = new(origin, 16 * BlockSize, With(MemoryContextFeatures.ZeroOnAllocate));
        MemoryClient client = block.Context.CreateClient("client");
        foreach (nuint size in new nuint[] { 0, 1, 100, 2_048, 2_049, 3 * BlockSize, 100 })
        {
            void* taken = client.Allocate(size);
            AssertAll(0, taken, client.GetSize(taken));
            new Span<byte>(taken, (int)client.GetSize(taken)).Fill(0x55);
            client.Free(taken);
        }
    }

    /// <summary>What a block grows by is as new.</summary>
    [Theory]
    [InlineData(64, 128)]
    [InlineData(64, 1_000)]
    [InlineData(BlockSize, 3 * BlockSize)]
    [InlineData(100, 3 * BlockSize)]
    public void ZeroOnAllocate_zeroes_what_a_block_grows_by(int from, int to)
    {
        using ContextOnBlock block = new(BlockOrigin.Callers, 16 * BlockSize, With(MemoryContextFeatures.ZeroOnAllocate));
        MemoryClient client = block.Context.CreateClient("client");
        byte* taken = (byte*)client.Allocate((nuint)to);
        new Span<byte>(taken, to).Fill(0x55);
        client.Free(taken);

        byte* small = (byte*)client.Allocate((nuint)from);
        nuint had = client.GetSize(small);
        new Span<byte>(small, (int)had).Fill(0x66);
        byte* grown = (byte*)client.Reallocate(small, (nuint)to);
        AssertAll(0x66, grown, had);
        AssertAll(0, grown + had, client.GetSize(grown) - had);
    }

    [Theory]
    [InlineData(MemoryContextFeatures.None)]
    [InlineData(MemoryContextFeatures.PoisonOnFree)]
    [InlineData(MemoryContextFeatures.ZeroOnFree)]
    public void AllocateZeroed_zeroes_whatever_the_features(MemoryContextFeatures features)
    {
        using ContextOnBlock block = new(BlockOrigin.Callers, 16 * BlockSize, With(features));
        MemoryClient client = block.Context.CreateClient("client");
        foreach (nuint size in new nuint[] { 0, 1, 100, 2_048, 2_049, 3 * BlockSize, 100 })
        {
            void* taken = client.AllocateZeroed(size);
            AssertAll(0, taken, client.GetSize(taken));
            new Span<byte>(taken, (int)client.GetSize(taken)).Fill(0x55);
            client.Free(taken);
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(3 * BlockSize)]
    public void ZeroOnFree_leaves_nothing_of_a_freed_block(int size)
    {
        using ContextOnBlock block = new(BlockOrigin.Callers, 16 * BlockSize, With(MemoryContextFeatures.ZeroOnFree));
        MemoryClient client = block.Context.CreateClient("client");
        void* taken = client.Allocate((nuint)size);
        nuint usable = client.GetSize(taken);
        new Span<byte>(taken, (int)usable).Fill(0x55);
        client.Free(taken);
        AssertAll(0, taken, usable);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(3 * BlockSize)]
    public void ZeroOnFree_leaves_nothing_of_a_client(int size)
    {
        using ContextOnBlock block = new(BlockOrigin.Callers, 16 * BlockSize, With(MemoryContextFeatures.ZeroOnFree));
        MemoryClient client = block.Context.CreateClient("client");
        void* taken = client.Allocate((nuint)size);
        nuint usable = client.GetSize(taken);
        new Span<byte>(taken, (int)usable).Fill(0x55);
        client.Dispose();
        AssertAll(0, taken, usable);
    }

    [Fact]
    public void ZeroOnFree_leaves_nothing_of_what_a_block_shrinks_by()
    {
        using ContextOnBlock block = new(BlockOrigin.Callers, 16 * BlockSize, With(MemoryContextFeatures.ZeroOnFree));
        MemoryClient client = block.Context.CreateClient("client");
        foreach ((int from, int to) in new[] { (1_024, 64), (4 * BlockSize, BlockSize) })
        {
            byte* taken = (byte*)client.Allocate((nuint)from);
            new Span<byte>(taken, from).Fill(0x55);
            Assert.True(client.TryResize(taken, (nuint)to));
            AssertAll(0x55, taken, (nuint)to);
            AssertAll(0, taken + to, (nuint)(from - to));
        }
    }

    private static MemoryContextOptions With(MemoryContextFeatures features) => new() { BlockSize = BlockSize, Features = features };

    private static void AssertAll(byte expected, void* start, nuint length) =>
        Assert.Equal(-1, new ReadOnlySpan<byte>(start, (int)length).IndexOfAnyExcept(expected));
}
