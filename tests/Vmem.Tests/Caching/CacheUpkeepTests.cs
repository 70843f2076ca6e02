using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Testing.Driving;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>What leaves the quantum caches of its own accord, and what threads that end leave behind. Alone: relief of the whole process
/// would come to other tests' caches, too.</summary>
[Collection(nameof(UpkeepTests))]
public class CacheUpkeepTests
{
    [Fact]
    public void What_nobody_needs_for_some_intervals_goes_back()
    {
        ManualTime time = new();
        using Arena<uint> arena = new("idle", 0, 10_000, 1, new ArenaOptions<uint> { QuantumCacheMax = 4, TimeProvider = time });
        uint[] starts = [.. Enumerable.Range(0, 1_000).Select(_ => arena.Allocate(4))];
        Array.ForEach(starts, start => arena.Free(start, 4));
        Assert.Equal(4_032u, arena.GetStatistics().Cached);
        for (int i = 0; i < 5; i++)
        {
            time.Advance(Upkeep.Interval);
            arena.Validate();
        }

        Assert.Equal(0u, arena.GetStatistics().Cached);
        Assert.Equal("{0+10000: (0+10000)}", ArenaPicture.Segments(arena));
    }

    [Fact]
    public void What_is_needed_in_each_interval_stays()
    {
        ManualTime time = new();
        using Arena<uint> arena = new("busy", 0, 10_000, 1, new ArenaOptions<uint> { QuantumCacheMax = 4, TimeProvider = time });
        uint[] starts = new uint[200];
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(starts.Length, arena.TryAllocateMany(4, starts));
            arena.FreeMany(starts, 4);
            time.Advance(Upkeep.Interval);
        }

        Assert.True(arena.GetStatistics().Cached >= 600, $"{arena.GetStatistics().Cached} of 800 stayed.");
    }

    [Fact]
    public void Under_memory_pressure_depots_are_emptied()
    {
        using Arena<uint> arena = new("short", 0, 10_000, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        uint[] starts = [.. Enumerable.Range(0, 1_000).Select(_ => arena.Allocate(4))];
        Array.ForEach(starts, start => arena.Free(start, 4));
        Upkeep.RelieveAll();
        Assert.True(arena.GetStatistics().Cached <= 3 * 64, $"{arena.GetStatistics().Cached} are still cached.");
        arena.Validate();
    }

    [Fact]
    public void An_arena_with_caches_that_nobody_disposes_is_collected()
    {
        WeakReference arena = Abandon();
        for (int i = 0; i < 10 && arena.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(arena.IsAlive);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Abandon()
    {
        Arena<uint> arena = new("abandoned", 0, 1_000, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        arena.Free(arena.Allocate(3), 3);
        return new WeakReference(arena);
    }
}
