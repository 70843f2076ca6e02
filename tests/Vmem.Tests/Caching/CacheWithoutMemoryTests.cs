using Vmem.Checks;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>A slab becomes segments, which takes memory for their tags, and there is none: what that makes fail, and what not.</summary>
public class CacheWithoutMemoryTests
{
    /// <summary>All of it is one slab, of which the last ranges are out. The others lie in magazines.</summary>
    private static Arena<uint> Make(uint held)
    {
        Arena<uint> arena = new("poor", 0, 256, 1, new ArenaOptions<uint> { QuantumCacheMax = 64 });
        for (uint i = 0; i < 256; i++)
        {
            Assert.Equal(i, arena.Allocate(1));
        }

        for (uint i = 0; i < 256 - held; i++)
        {
            arena.Free(i, 1);
        }

        Assert.Equal((held, 256 - held), (arena.GetStatistics().InUse, arena.GetStatistics().Cached));
        return arena;
    }

    /// <summary>From now on, but for the next so many growths.</summary>
    private static IDisposable NoMemory(int after) => GrowthFault.Inject(() => after-- <= 0);

    [Fact]
    public void A_request_that_needs_the_slab_is_told()
    {
        using Arena<uint> arena = Make(held: 128);
        using (NoMemory(after: 1))                // there is some for the list of the magazines
        {
            Assert.Throws<InsufficientMemoryException>(() => arena.TryAllocate(100, out _));
        }

        Assert.Equal(128u, arena.GetStatistics().InUse);
        arena.Validate();
        Assert.True(arena.TryAllocate(100, out _));
        arena.Validate();
    }

    [Fact]
    public void What_only_gives_back_does_what_it_can()
    {
        using Arena<uint> arena = Make(held: 128);
        using (NoMemory(after: 1))
        {
            Assert.Equal(128u, arena.Reap());
            Assert.False(arena.TryRemoveSpan(0, 256));
        }

        Assert.Equal(128u, arena.GetStatistics().InUse);
        arena.Validate();
        arena.Reap();
        Assert.Equal((0u, 128u), (arena.GetStatistics().Cached, arena.GetStatistics().Free));
        arena.Validate();
    }

    [Fact]
    public void A_range_whose_slab_cannot_become_segments_keeps_its_size()
    {
        using Arena<uint> arena = Make(held: 256);
        arena.AddSpan(1_000, 100);
        using (NoMemory(after: 0))
        {
            Assert.False(arena.TryExtend(0, 1, 2));
            Assert.Throws<InsufficientMemoryException>(() => arena.TryMove(0, 1, 1_000));
        }

        Assert.Equal(256u, arena.GetStatistics().InUse);
        arena.Validate();
        Assert.True(arena.TryMove(0, 1, 1_000));
        arena.Validate();
    }

    /// <summary>There is no memory for a list of the magazines: nothing has changed, and nothing is held.</summary>
    [Fact]
    public void What_fails_for_want_of_memory_leaves_the_arena_to_others()
    {
        using Arena<uint> arena = Make(held: 50);
        using (NoMemory(after: 0))
        {
            Assert.Throws<InsufficientMemoryException>(() => arena.TryRemoveSpan(0, 256));
            Assert.Throws<InsufficientMemoryException>(() => arena.Reap());
            Assert.Throws<InsufficientMemoryException>(() => arena.TryAllocate(150, out _));
        }

        Assert.Equal(50u, arena.GetStatistics().InUse);
        NumberedItems.OnNewThread(() => arena.Free(255, 1));
        NumberedItems.OnNewThread(() => arena.Reap());
        Assert.Equal((49u, 0u), (arena.GetStatistics().InUse, arena.GetStatistics().Cached));
        arena.Validate();
    }
}
