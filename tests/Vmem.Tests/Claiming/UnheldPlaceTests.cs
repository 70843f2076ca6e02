using Xunit;

namespace Vmem.Tests.Claiming;

/// <summary>Claims of places that are not free, and that nobody holds either: arenas beside keep them unused.</summary>
public sealed class UnheldPlaceTests
{
    [Theory]
    [InlineData(0u)]
    [InlineData(2u)]
    public void What_an_arena_beside_keeps_unused_is_claimed(uint cacheMax)
    {
        using Arena<uint> pool = new("pool", 0, 1_024, 1);
        using Arena<uint> one = new("one", 1, new ArenaOptions<uint> { Source = pool, QuantumCacheMax = cacheMax, RetainedImport = 1_024 });
        using Arena<uint> two = new("two", 1, new ArenaOptions<uint> { Source = pool });
        using Arena<uint> three = new("three", 1, new ArenaOptions<uint> { Source = pool });
        uint[] held = [.. Enumerable.Range(0, 16).Select(_ => one.Allocate(1))];
        Array.ForEach(held, start => one.Free(start, 1));
        Assert.True(two.TryAllocateAt(held[3], 1));
        Assert.False(three.TryAllocateAt(held[3], 1));
        three.AllocateAtMany(One(held[5], held[6], 900));
        Assert.False(two.TryAllocateAt(900, 1));
        Assert.Throws<ArenaExhaustedException>(() => two.AllocateAtMany(One(held[8], held[6])));
        Assert.True(pool.TryAllocateAt(held[8], 1));
        foreach (Arena<uint> arena in (Arena<uint>[])[pool, one, two, three])
        {
            arena.Validate();
        }
    }

    private static Segment<uint>[] One(params uint[] starts) =>
        [.. starts.Select(static start => new Segment<uint>(start, 1, SegmentKind.Allocated))];
}
