using Vmem.Testing.Sources;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Frees of cached sizes that are segments of their own, or were: what is noted of them, and for how long.</summary>
public class CheckedSegmentTests
{
    private const uint Max = 8;

    private static Arena<uint> Make(uint size = 1 << 12, bool trusts = false, TimeProvider? time = null) => new("segments", 0, size, 1,
        new ArenaOptions<uint> { QuantumCacheMax = Max, TrustCaller = trusts, TimeProvider = time ?? TimeProvider.System });

    [Theory]
    [InlineData(1u)]
    [InlineData(Max)]
    public void What_was_freed_past_the_caches_is_not_noted_any_more(uint size)
    {
        using Arena<uint> arena = Make(size: 40);            // too small for a slab
        uint start = arena.Allocate(size);
        arena.FreeConstrained(start, size);
        Assert.Equal(InvalidFreeReason.AlreadyFree, ReasonOf(() => arena.Free(start, size)));
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(Max)]
    public void What_lies_in_a_magazine_cannot_be_freed_past_the_caches(uint size)
    {
        using Arena<uint> arena = Make(size: 40);
        uint start = arena.Allocate(size);
        arena.Free(start, size);
        Assert.Equal(size, arena.GetStatistics().Cached);
        Assert.Equal(InvalidFreeReason.AlreadyFree, ReasonOf(() => arena.FreeConstrained(start, size)));
        Assert.Equal(InvalidFreeReason.AlreadyFree, ReasonOf(() => arena.TryExtend(start, size, size + 1)));
        Assert.Equal(start, arena.Allocate(size));
        arena.Validate();
    }

    /// <summary>Nothing is noted of what was allocated past the caches, until it is freed.</summary>
    [Fact]
    public void A_wrong_size_is_found_by_the_segments()
    {
        using Arena<uint> arena = Make(size: 40);
        uint start = arena.AllocateConstrained(2, new RangeConstraints<uint> { Min = 8 });
        Assert.Equal(InvalidFreeReason.WrongSize, ReasonOf(() => arena.Free(start, 1)));
        arena.Free(start, 2);
        Assert.Equal(2u, arena.GetStatistics().Cached);
        arena.Validate();
    }

    /// <summary>What is left of a slab is two ranges of 1, and looks like one of 2.</summary>
    [Fact]
    public void What_is_left_of_a_slab_is_no_range()
    {
        using Arena<uint> arena = Make();
        uint[] starts = [.. Enumerable.Range(0, 64).Select(_ => arena.Allocate(1))];
        Array.ForEach(starts[2..], start => arena.Free(start, 1));
        arena.Reap();
        Assert.Throws<InvalidFreeException>(() => arena.Free(0, 2));
        Assert.Throws<InvalidFreeException>(() => arena.FreeConstrained(0, 2));
        Assert.Equal((2u, 0u), (arena.GetStatistics().InUse, arena.GetStatistics().Cached));
        arena.Free(0, 1);
        arena.Free(1, 1);
        arena.Validate();
    }

    [Fact]
    public void The_largest_size_becomes_a_segment_to_change_its_size()
    {
        using Arena<uint> arena = Make();
        uint start = arena.Allocate(Max);
        Assert.True(arena.TryExtend(start, Max, Max + 1));
        Assert.Equal(InvalidFreeReason.WrongSize, ReasonOf(() => arena.Free(start, Max)));
        arena.Free(start, Max + 1);
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    /// <summary>The slab that becomes segments was in no list; another one of its class is.</summary>
    [Fact]
    public void A_slab_that_gives_nothing_leaves_others_alone()
    {
        using Arena<uint> arena = Make();
        uint[] starts = [.. Enumerable.Range(0, 33).Select(_ => arena.Allocate(2))];
        Assert.Equal((0u, 64u), (starts[0], starts[32]));
        Assert.True(arena.TryExtend(0, 2, 1));
        arena.Validate();
        Assert.Equal(66u, arena.Allocate(2));
    }

    /// <summary>The import has come again, and what is in it is another's.</summary>
    [Fact]
    public void What_was_revoked_is_not_noted_any_more()
    {
        ScriptedSource<uint> source = new(1, static (_, _) => (1 << 20, 64));
        Arena<uint> arena = new("importing", 1, new ArenaOptions<uint> { QuantumCacheMax = Max, Source = source });
        uint start = arena.Allocate(1);
        Assert.True(arena.Revoke(1 << 20, 64));
        Assert.Equal(start, arena.Allocate(20));
        Assert.Equal(InvalidFreeReason.WrongSize, ReasonOf(() => arena.Free(start, 1)));
        arena.Free(start, 20);
        arena.Validate();
        arena.Dispose();
    }

    [Fact]
    public void In_an_arena_without_a_span_nothing_is_allocated()
    {
        using Arena<uint> arena = new("bare", 1, new ArenaOptions<uint> { QuantumCacheMax = Max });
        Assert.Equal(InvalidFreeReason.NotAllocated, ReasonOf(() => arena.Free(5, 1)));
        Assert.False(arena.TryAllocate(1, out _));
    }

    [Fact]
    public void What_is_noted_counts_as_bookkeeping()
    {
        using Arena<uint> arena = Make();
        using Arena<uint> trusting = Make(trusts: true);
        Assert.Equal(arena.Allocate(1), trusting.Allocate(1));
        Assert.Equal((8 * nint.Size) + 16 + 64, arena.GetStatistics().BookkeepingBytes - trusting.GetStatistics().BookkeepingBytes);
    }

    /// <summary>Of a hundred and sixty slabs.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_noted_goes_with_the_slabs(bool byItself)
    {
        ManualTime time = new();
        using Arena<uint> arena = Make(size: 1 << 14, time: time);
        using Arena<uint> trusting = Make(size: 1 << 14, trusts: true, time: time);
        foreach (Arena<uint> each in (Arena<uint>[])[arena, trusting])
        {
            uint[] starts = [.. Enumerable.Range(0, 160 * 64).Select(_ => each.Allocate(1))];
            Array.ForEach(starts, start => each.Free(start, 1));
        }

        Assert.InRange(Noted(), 160 * 80, 160 * 200);
        if (byItself)
        {
            time.Advance(TimeSpan.FromSeconds(15 * 6));
        }
        else
        {
            Assert.Equal(160 * 64u, arena.Reap());
            trusting.Reap();
        }

        Assert.Equal(8 * nint.Size, Noted());
        arena.Validate();

        long Noted() => arena.GetStatistics().BookkeepingBytes - trusting.GetStatistics().BookkeepingBytes;
    }

    private static InvalidFreeReason ReasonOf(Action free) => Assert.Throws<InvalidFreeException>(free).Reason;
}
