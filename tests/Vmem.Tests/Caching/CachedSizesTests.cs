using Vmem.Caching;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>How many sizes are cached, and which are too many.</summary>
public sealed class CachedSizesTests
{
    [Theory]
    [InlineData(0u, 1u, 0)]
    [InlineData(1u, 1u, 1)]
    [InlineData(64u, 1u, 64)]
    [InlineData(7u, 8u, 1)]
    [InlineData(8u, 8u, 1)]
    [InlineData(9u, 8u, 2)]
    [InlineData(512u, 8u, 64)]
    public void Each_multiple_of_the_quantum_up_to_the_largest_is_cached(uint max, uint quantum, int count) =>
        Assert.Equal(count, CachedSizes<uint>.Count(new ArenaOptions<uint> { QuantumCacheMax = max }, quantum));

    [Theory]
    [InlineData(65u, 1u)]
    [InlineData(513u, 8u)]
    [InlineData(uint.MaxValue, 1u)]
    public void More_than_sixty_four_are_too_many(uint max, uint quantum) => Assert.Contains("at most 64 quanta",
        Assert.Throws<ArgumentException>(() => CachedSizes<uint>.Count(new ArenaOptions<uint> { QuantumCacheMax = max }, quantum)).Message,
        StringComparison.Ordinal);

    /// <summary>65,535 are 64 quanta of 1,023 and not of 1,024.</summary>
    [Fact]
    public void A_slab_is_just_as_long_as_the_type_holds()
    {
        Assert.Equal(1, CachedSizes<ushort>.Count(new ArenaOptions<ushort> { QuantumCacheMax = 1_023 }, 1_023));
        Assert.Contains("would be 64 quanta of 1024", Assert.Throws<ArgumentException>(() =>
            CachedSizes<ushort>.Count(new ArenaOptions<ushort> { QuantumCacheMax = 1_024 }, 1_024)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FitPolicy.NextFit, "Next fit hands out a freed range as late")]
    [InlineData(FitPolicy.OldestFit, "Oldest fit hands out a freed range as late")]
    [InlineData(FitPolicy.RandomFit, "Random fit hands out ranges that nobody can foretell")]
    public void A_policy_that_contradicts_caches_is_refused_where_there_are_some(FitPolicy policy, string why)
    {
        ArenaOptions<uint> options = new() { Policy = policy };
        Assert.Equal(0, CachedSizes<uint>.Count(options, 1));
        options = options with { QuantumCacheMax = 1 };
        ArgumentException refused = Assert.Throws<ArgumentException>(() => CachedSizes<uint>.Count(options, 1));
        Assert.StartsWith(why, refused.Message, StringComparison.Ordinal);
    }
}
