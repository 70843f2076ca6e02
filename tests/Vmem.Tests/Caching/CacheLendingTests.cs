using Vmem.Testing.Recording;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Where a free goes while a request waits: to the request, to the magazine of its thread, or to the segments.</summary>
public class CacheLendingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Every unit is a range of its own.</summary>
    private static Arena<uint> Full(uint size, bool isPastCaches = false)
    {
        Arena<uint> arena = new("full", 0, size, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        for (uint i = 0; i < size; i++)
        {
            uint start = isPastCaches ? arena.AllocateConstrained(1, new RangeConstraints<uint> { Min = i }) : arena.Allocate(1);
            Assert.Equal(i, start);
        }

        return arena;
    }

    /// <summary>All of it is one slab, which has nothing to give as the request comes to wait.</summary>
    [Fact]
    public async Task What_is_freed_into_a_slab_is_free_at_once()
    {
        using Arena<uint> arena = Full(64);
        Task<uint> standing = arena.AllocateAsync(4, Token).AsTask();
        for (uint i = 13; i >= 10; i--)
        {
            Assert.False(standing.IsCompleted);
            arena.Free(i, 1);
            Assert.Equal(0u, arena.GetStatistics().Cached);
        }

        Assert.True(standing.IsCompletedSuccessfully);
        Assert.Equal(10u, await standing);
        arena.Validate();
    }

    /// <summary>Nothing was noted of it before.</summary>
    [Fact]
    public void A_range_that_was_allocated_past_the_caches_is_lent()
    {
        using Arena<uint> arena = Full(16, isPastCaches: true);
        Task<uint> standing = arena.AllocateAsync(4, Token).AsTask();
        arena.Free(8, 1);
        Assert.Equal((1u, 0u), (arena.GetStatistics().Cached, arena.GetStatistics().Free));
        Assert.Equal(8u, arena.Allocate(1));
        arena.Free(8, 1);
        Assert.Equal(1u, arena.GetStatistics().Cached);
        Assert.False(standing.IsCompleted);
        arena.Validate();
    }

    /// <summary>What was not lent costs the next free its turn.</summary>
    [Fact]
    public async Task After_a_range_was_handed_over_the_next_one_is_not_lent()
    {
        using Arena<uint> arena = Full(16);
        Task<uint> first = arena.AllocateAsync(1, Token).AsTask();
        Task<uint> second = arena.AllocateAsync(4, Token).AsTask();
        arena.Free(8, 1);
        Assert.True(first.IsCompletedSuccessfully);
        Assert.Equal(8u, await first);
        arena.Free(3, 1);
        Assert.Equal((0u, 1u), (arena.GetStatistics().Cached, arena.GetStatistics().Free));
        arena.Free(12, 1);
        Assert.Equal((1u, 1u), (arena.GetStatistics().Cached, arena.GetStatistics().Free));
        Assert.False(second.IsCompleted);
    }

    /// <summary>Beside a free unit, which would come first.</summary>
    [Fact]
    public async Task The_range_that_is_freed_is_the_one_that_is_handed_over()
    {
        using Arena<uint> arena = new("full", 0, 16, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        uint[] starts = [.. Enumerable.Range(0, 8).Select(_ => arena.Allocate(2))];
        Assert.Equal(6u, starts[3]);
        Assert.True(arena.TryExtend(4, 2, 1));
        Task<uint> standing = arena.AllocateAsync(2, Token).AsTask();
        arena.Free(6, 2);
        Assert.True(standing.IsCompletedSuccessfully);
        Assert.Equal(6u, await standing);
        arena.Validate();
    }

    [Fact]
    public void A_wrong_free_is_handed_to_nobody()
    {
        using Arena<uint> arena = Full(16);
        Task<uint> standing = arena.AllocateAsync(2, Token).AsTask();
        Assert.Throws<InvalidFreeException>(() => arena.Free(8, 2));
        Assert.False(standing.IsCompleted);
        arena.Free(8, 1);
        arena.Free(9, 1);
        Assert.True(standing.IsCompletedSuccessfully);
        arena.Validate();
    }

    /// <summary>A range that is handed over, or lent, would not be recorded as freed.</summary>
    [Theory]
    [InlineData(1u)]
    [InlineData(4u)]
    public void In_a_recorded_arena_a_free_goes_to_the_segments(uint wanted)
    {
        using Arena<uint> arena = Full(16);
        using RecordedArena<uint> recorded = new(arena);
        Task<uint> standing = arena.AllocateAsync(wanted, Token).AsTask();
        arena.Free(8, 1);
        Assert.Equal(0u, arena.GetStatistics().Cached);
        Assert.Equal(wanted == 1, standing.IsCompletedSuccessfully);
        arena.Free(12, 1);
        Assert.Equal(16 + (wanted == 1 ? 3 : 2), recorded.Check().Events);
    }

    /// <summary>What comes out of a magazine was recorded as it went in.</summary>
    [Fact]
    public void A_free_is_recorded_once_though_the_caches_are_emptied()
    {
        using Arena<uint> arena = new("recorded", 0, 256, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        using RecordedArena<uint> recorded = new(arena);
        uint[] starts = [.. Enumerable.Range(0, 40).Select(_ => arena.Allocate(1))];
        Array.ForEach(starts, start => arena.Free(start, 1));
        Assert.Equal(64u, arena.Reap());
        Assert.Equal(0u, arena.Allocate(1));
        Assert.Equal(81, recorded.Check().Events);
    }

    /// <summary>Those below hear of what is freed above, while somebody waits there.</summary>
    [Fact]
    public void While_somebody_waits_for_room_in_the_source_nothing_is_kept()
    {
        using Arena<uint> parent = new("parent", 0, 128, 1);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { QuantumCacheMax = 4, Source = parent });
        uint held = child.Allocate(1);
        Assert.Equal((64u, 63u), (child.GetStatistics().TotalSize, child.GetStatistics().Cached));
        Assert.True(parent.TryAllocate(64, out uint rest));
        Task<uint> standing = parent.AllocateAsync(64, Token).AsTask();
        Assert.False(standing.IsCompleted);
        Assert.Equal((64u, 0u), (child.GetStatistics().TotalSize, child.GetStatistics().Cached));
        child.Free(held, 1);
        Assert.True(standing.IsCompletedSuccessfully);
        Assert.Equal(0u, child.GetStatistics().TotalSize);
        parent.Free(rest, 64);
        parent.Validate();
        child.Validate();
    }
}
