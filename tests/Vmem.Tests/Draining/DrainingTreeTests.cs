using Vmem.Testing.Driving;
using Vmem.Testing.Sources;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Draining;

/// <summary>Where spans drain in trees of arenas, and while requests wait.</summary>
public class DrainingTreeTests
{
    [Theory]
    [InlineData(0u)]
    [InlineData(8u)]
    public void What_arenas_above_keep_unused_comes_back(uint cacheMax)
    {
        ScriptedSource<uint> source = TestSources.Ascending(256u, 1_024u);
        using Arena<uint> ground = new("ground", 64, new ArenaOptions<uint> { Source = source, RetainedImport = 10_000 });
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = ground, RetainedImport = 10_000, QuantumCacheMax = cacheMax });
        uint one = child.Allocate(5);
        child.Free(one, 5);
        Assert.Equal(1, ground.GetStatistics().LiveSegments);
        uint span = ground.GetSegments().First().Start;
        Assert.True(ground.TryDrainSpan(span));
        Assert.Equal((0u, 1), (ground.GetStatistics().TotalSize, source.Releases));
        Assert.Equal(0u, child.GetStatistics().TotalSize);
        ground.Validate();
        child.Validate();
    }

    [Fact]
    public void An_import_above_is_not_retained_where_the_source_drains()
    {
        using Arena<uint> ground = new("ground", 0, 256, 64);
        using Arena<uint> middle = new("middle", 64, new ArenaOptions<uint> { Source = ground, RetainedImport = 10_000 });
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = middle, RetainedImport = 10_000 });
        uint one = child.Allocate(5);
        Assert.True(ground.TryDrainSpan(0));
        Assert.Equal("{0+256: 0+64 <64+192>}", ArenaPicture.Segments(ground));
        uint two = child.Allocate(6);                           // what it has it may give
        child.Free(one, 5);
        Assert.True(ground.Contains(0));
        child.Free(two, 6);
        Assert.False(ground.Contains(0));
        Assert.Equal((0u, 0u), (middle.GetStatistics().TotalSize, child.GetStatistics().TotalSize));
        ground.Validate();
        middle.Validate();
        child.Validate();
    }

    [Fact]
    public void An_arena_above_is_lent_nothing_of_it_and_its_owner_drains_in_turn()
    {
        using Arena<uint> ground = new("ground", 0, 128, 64, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        ground.AddSpan(1_024, 128);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = ground });
        uint one = child.Allocate(64);
        Assert.True(ground.TryDrainSpan(0));
        Assert.Equal(1_024u, child.Allocate(64));
        Assert.Equal(1_088u, child.Allocate(64));
        Assert.False(child.TryAllocate(1, out _));
        Assert.True(child.TryDrainSpan(one));
        child.Free(one, 64);
        Assert.False(ground.Contains(0));
        ground.Validate();
        child.Validate();
    }

    [Fact]
    public void Who_waits_for_what_can_never_come_is_told_and_others_wait_on()
    {
        using Arena<uint> arena = new("waits", 0, 100, 1);
        arena.AddSpan(1_000, 200);
        Assert.Equal(0u, arena.AllocateConstrained(100, new() { Max = 100 }));
        Assert.Equal(1_000u, arena.Allocate(200));
        ValueTask<uint> large = arena.AllocateAsync(150);
        ValueTask<uint> small = arena.AllocateAsync(50);
        Assert.True(arena.TryDrainSpan(1_000));
        ArenaExhaustedException told = Assert.IsType<ArenaExhaustedException>(large.AsTask().Exception!.InnerException);
        Assert.Equal(((UInt128)150, FitFailure.LargerThanAnySpan), (told.Requested, told.Failure));
        Assert.Throws<ArgumentException>(() => { _ = arena.AllocateAsync(101); });
        arena.FreePart(1_000, 200, 1_000, 100);
        Assert.False(small.IsCompleted);
        arena.Free(1_100, 100);
        Assert.False(small.IsCompleted || arena.Contains(1_000));
        arena.FreeConstrained(0, 100);
        Assert.True(small.IsCompletedSuccessfully);
        arena.Validate();
    }

    /// <summary>A freed range of just the size that is waited for is handed over, but not here.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(8u)]
    public void A_free_in_it_serves_nobody(uint cacheMax)
    {
        using Arena<uint> arena = new("waits", 0, 64, 1, new ArenaOptions<uint> { QuantumCacheMax = cacheMax });
        arena.AddSpan(1_024, 64);
        uint[] starts = [.. Enumerable.Range(0, 32).Select(_ => arena.Allocate(4))];
        ValueTask<uint> waiter = arena.AllocateAsync(4);
        Assert.True(arena.TryDrainSpan(1_024));
        foreach (uint start in starts.Where(start => start >= 1_024).Skip(1))
        {
            arena.Free(start, 4);
            Assert.False(waiter.IsCompleted);
        }

        arena.Validate();
        Assert.True(arena.StopDraining(1_024));
        Assert.True(waiter.IsCompletedSuccessfully);
        Assert.True(waiter.Result >= 1_024);
        arena.Validate();
    }

    [Fact]
    public async Task Headroom_that_comes_with_its_end_serves_who_waits()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("limited", 1, new ArenaOptions<uint> { Source = source, Limit = 64 });
        uint one = arena.Allocate(64);
        Assert.True(arena.TryDrainSpan(one));
        ValueTask<uint> waiter = arena.AllocateAsync(10);
        Assert.False(waiter.IsCompleted);
        arena.Free(one, 64);
        Assert.NotEqual(one, await waiter);       // the source is asked by another thread
        arena.Validate();
    }

    [Fact]
    public void A_rest_is_cut_short_but_gives_nothing_there()
    {
        ManualTime time = new();
        using Arena<uint> arena = new("rests", 0, 10, 1, new ArenaOptions<uint> { TimeProvider = time, CutRestsShort = true });
        arena.AddSpan(100, 10);
        Assert.True(arena.TryAllocateAt(0, 10));
        Assert.True(arena.TryAllocateAt(100, 10));
        arena.FreeAfter(100, 10, TimeSpan.FromSeconds(1));
        arena.FreeAfter(0, 10, TimeSpan.FromSeconds(2));
        Assert.True(arena.TryDrainSpan(100));
        Assert.Equal(0u, arena.Allocate(10));
        Assert.False(arena.Contains(100));
        arena.Validate();
    }
}
