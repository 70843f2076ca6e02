using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Testing.Driving;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>What leaves the quantum caches of its own accord, and what threads that end leave behind.</summary>
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
    public void Ten_thousand_short_threads_let_nothing_grow()
    {
        using Arena<uint> arena = new("churn", 0, 10_000, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        Churn(arena, 1_000);
        long bytes = GC.GetTotalMemory(forceFullCollection: true);
        ArenaStatistics<uint> before = arena.GetStatistics();
        Churn(arena, 9_000);                      // a pair of magazines that stayed for each would be 7 MB
        ArenaStatistics<uint> after = arena.GetStatistics();
        long growth = GC.GetTotalMemory(forceFullCollection: true) - bytes;
        // Threads of other tests take numbers meanwhile: what one short thread leaves is then inherited by one of a few others.
        Assert.Equal(0u, after.InUse);
        Assert.True(after.Cached <= before.Cached + (10 * 64), $"{after.Cached} are cached, {before.Cached} were.");
        Assert.True(after.BookkeepingBytes <= before.BookkeepingBytes + 2_000);
        Assert.True(growth < 2_000_000, $"{growth} bytes more for 9,000 threads.");
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

    private static void Churn(Arena<uint> arena, int threads)
    {
        for (int i = 0; i < threads; i++)
        {
            Thread thread = new(() =>
            {
                uint one = arena.Allocate(2);
                uint other = arena.Allocate(4);
                arena.Free(one, 2);
                arena.Free(other, 4);
            });
            thread.Start();
            thread.Join();
        }
    }
}
