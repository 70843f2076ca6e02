using Vmem.Caching;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Wrong frees of cached sizes are found at once, without an audit, and change nothing.</summary>
public class CheckedCacheTests
{
    [Fact]
    public void What_is_in_no_span_is_not_handed_out_next()
    {
        using Arena<uint> arena = Make(0, 1_000);
        uint live = arena.Allocate(1);
        arena.Free(arena.Allocate(1), 1);
        Assert.Equal(InvalidFreeReason.NotAllocated, ReasonOf(arena, 4_000_000_000, 1));
        for (uint i = 0; i < 999; i++)
        {
            Assert.InRange(arena.Allocate(1), 0u, 999u);
        }

        Assert.False(arena.TryAllocate(1, out _));
        Assert.NotEqual(uint.MaxValue, live);
        arena.Validate();
    }

    [Fact]
    public void A_second_free_is_found_wherever_the_range_lies()
    {
        using Arena<uint> arena = Make(0, 1 << 16);
        uint[] starts = [.. Enumerable.Range(0, 500).Select(_ => arena.Allocate(3))];
        foreach (uint start in starts)
        {
            arena.Free(start, 3);                 // into loaded and previous magazines, and the depot
            Assert.Equal(InvalidFreeReason.AlreadyFree, ReasonOf(arena, start, 3));
        }

        foreach (uint start in starts)
        {
            Assert.Equal(InvalidFreeReason.AlreadyFree, ReasonOf(arena, start, 3));
            Assert.Throws<InvalidFreeException>(() => arena.FreeConstrained(start, 3));
            Assert.Throws<InvalidFreeException>(() => arena.TryExtend(start, 3, 4));
        }

        arena.Validate();
        arena.Reap();
        Assert.All(starts, start => Assert.Equal(InvalidFreeReason.AlreadyFree, ReasonOf(arena, start, 3)));
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Fact]
    public void Wrong_sizes_and_interior_addresses_are_found()
    {
        using Arena<uint> arena = Make(0, 1 << 16);
        uint[] starts = [.. Enumerable.Range(0, 100).Select(_ => arena.Allocate(4))];
        foreach (uint start in starts)
        {
            foreach (uint size in (uint[])[1, 2, 3, 5, 8])
            {
                Assert.Equal(InvalidFreeReason.WrongSize, ReasonOf(arena, start, size));
            }

            Assert.Equal(InvalidFreeReason.InteriorAddress, ReasonOf(arena, start + 1, 4));
            Assert.Throws<InvalidFreeException>(() => arena.Free(start + 3, 1));
        }

        arena.FreeMany(starts, 4);
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    /// <summary>No slab fits: ranges are segments of their own, and lie in magazines all the same.</summary>
    [Fact]
    public void Arenas_too_small_for_a_slab_are_checked_and_cached()
    {
        using Arena<uint> arena = Make(5, 40);
        uint[] starts = [.. Enumerable.Range(0, 40).Select(_ => arena.Allocate(1))];
        foreach (uint start in starts)
        {
            arena.Free(start, 1);
            Assert.Equal(InvalidFreeReason.AlreadyFree, ReasonOf(arena, start, 1));
        }

        Assert.True(arena.GetStatistics().Cached > 0);
        Assert.Equal(40, starts.Select(_ => arena.Allocate(1)).Distinct().Count());
        arena.Validate();
    }

    /// <summary>A range that becomes another segment is not remembered as what it was.</summary>
    [Fact]
    public void A_range_that_changes_its_size_is_checked_by_its_new_one()
    {
        using Arena<uint> arena = Make(0, 4_096);
        uint start = arena.Allocate(2);
        Assert.True(arena.TryExtend(start, 2, 6));
        Assert.Equal(InvalidFreeReason.WrongSize, ReasonOf(arena, start, 2));
        arena.Free(start, 6);
        Assert.Throws<InvalidFreeException>(() => arena.Free(start, 2));
        Assert.Throws<InvalidFreeException>(() => arena.Free(start, 6));
        uint moved = arena.Allocate(2);
        arena.FreeAfter(moved, 2, TimeSpan.Zero);
        Assert.Throws<InvalidFreeException>(() => arena.Free(moved, 2));
        uint alone = arena.AllocateConstrained(2, new RangeConstraints<uint> { Min = 2_000 });
        arena.Free(alone, 2);
        Assert.Throws<InvalidFreeException>(() => arena.FreeConstrained(alone, 2));
        Assert.Throws<InvalidFreeException>(() => arena.Free(alone, 2));
        uint passed = arena.AllocateConstrained(2, new RangeConstraints<uint> { Min = 3_000 });
        arena.FreeConstrained(passed, 2);
        Assert.Throws<InvalidFreeException>(() => arena.Free(passed, 2));
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    /// <summary>As if two threads had freed it in the same moment: whoever takes the second copy passes it over.</summary>
    [Fact]
    public void A_range_that_is_in_two_magazines_is_handed_out_once()
    {
        RangeStates<uint> states = new(1, 64);
        RangeGuard<uint> guard = new(states, 0);
        MagazineCache<uint> cache = new(leastRounds: 15);
        Assert.True(states.TryNote(7, 0, 0));
        Assert.True(cache.TryMakeRoom());
        Assert.True(cache.TryReturnLoaded(ThreadNumber.Current, guard, 7));
        Assert.False(cache.TryReturnLoaded(ThreadNumber.Current, guard, 7));
        Assert.True(cache.TryReturnLoaded(ThreadNumber.Current, 7));
        Assert.True(cache.TryTakeLoaded(ThreadNumber.Current, guard, out uint taken) && taken == 7);
        Assert.False(cache.TryTakeLoaded(ThreadNumber.Current, guard, out _));
        Assert.NotNull(states.Fault);
    }

    [Fact]
    public void What_is_known_of_ranges_goes_when_the_slabs_have_gone()
    {
        RangeStates<ulong> states = new(1, 64);
        for (ulong page = 0; page < 1_000; page++)
        {
            Assert.True(states.TryNote(page << 40, 0, slabs: 1_000));
        }

        Assert.True(states.IsWithCaller(999ul << 40, 0) && !states.IsWithCaller(999ul << 40, 1) && !states.Knows((999ul << 40) + 1));
        Assert.False(states.TryNote(1ul << 60, 0, slabs: 100));
        Assert.True(states.IsSparse(slabs: 10) && !states.IsSparse(slabs: 1_000));
        states.Shrink(slabs: 10);
        Assert.False(states.Knows(999ul << 40));
        Assert.InRange(states.Bytes, 1, 100);
    }

    private static Arena<uint> Make(uint start, uint size) =>
        new("checked", start, size, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });

    private static InvalidFreeReason ReasonOf(Arena<uint> arena, uint start, uint size) =>
        Assert.Throws<InvalidFreeException>(() => arena.Free(start, size)).Reason;
}
