using Vmem.Testing.Driving;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Where slabs lie, and what becomes of what is around them.</summary>
public class SlabPlaceTests
{
    /// <summary>A long free range, and one further up that is just as long as a slab.</summary>
    [Theory]
    [InlineData(FitPolicy.BestFit, 1_024u)]
    [InlineData(FitPolicy.FirstFit, 64u)]
    [InlineData(FitPolicy.LastFit, 1_024u)]
    public void The_policy_places_slabs(FitPolicy policy, uint expected)
    {
        using Arena<uint> arena = new("placed", 40, 400, 1, new ArenaOptions<uint> { QuantumCacheMax = 4, Policy = policy });
        arena.AddSpan(1_024, 64);
        Assert.Equal(expected, arena.Allocate(1) / 64 * 64);
        Assert.Equal(63u, arena.GetStatistics().Cached);
        arena.Validate();
    }

    [Fact]
    public void A_slab_is_aligned_to_its_size()
    {
        using Arena<uint> arena = new("aligned", 40, 400, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        Assert.Equal(0u, arena.Allocate(1) % 64);
        Assert.Equal(63u, arena.GetStatistics().Cached);
        arena.Validate();
    }

    /// <summary>No more than whole slabs is imported for a cached size, and it becomes slabs.</summary>
    [Fact]
    public void What_is_imported_for_a_cached_size_becomes_a_slab()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_000u);
        using Arena<uint> arena = new("importing", 1, new ArenaOptions<uint> { QuantumCacheMax = 4, Source = source });
        Assert.Equal(1_024u, arena.Allocate(1));
        Assert.Equal((1u, 63u, 0u), (arena.GetStatistics().InUse, arena.GetStatistics().Cached, arena.GetStatistics().Free));
        Assert.Equal((64u, 64u), (source.Requests[0].Size, source.Requests[0].Constraints.Align));
        arena.Validate();
    }

    /// <summary>The tables grow on the way.</summary>
    [Fact]
    public void Each_range_of_a_slab_becomes_a_segment()
    {
        using Arena<uint> arena = new("cut", 0, 256, 1, new ArenaOptions<uint> { QuantumCacheMax = 64 });
        uint[] starts = [.. Enumerable.Range(0, 256).Select(_ => arena.Allocate(1))];
        arena.Free(0, 1);
        Assert.Equal(1u, arena.Reap());
        arena.Validate();
        Assert.Equal(257, arena.GetSegments().Count());
        Array.ForEach(starts[1..], start => arena.Free(start, 1));
        arena.Reap();
        Assert.Equal("{0+256: (0+256)}", ArenaPicture.Segments(arena));
    }
}
