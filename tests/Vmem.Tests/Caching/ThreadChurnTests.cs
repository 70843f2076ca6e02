using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Threads that come and go.</summary>
[Collection(nameof(Alone))]
public class ThreadChurnTests
{
    [Fact]
    [Trait("Once", "Release")]
    public void Ten_thousand_short_threads_let_nothing_grow()
    {
        using Arena<uint> arena = new("churn", 0, 10_000, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        Churn(arena, 1_000);
        long bytes = LiveBytes();
        ArenaStatistics<uint> before = arena.GetStatistics();
        Churn(arena, 9_000);                      // a pair of magazines that stayed for each would be 7 MB
        ArenaStatistics<uint> after = arena.GetStatistics();
        long growth = LiveBytes() - bytes;
        // Threads of other tests may take numbers meanwhile: what one short thread leaves is then inherited by one of some dozens. Without
        // any inheriting, all 10,000 would be cached.
        Assert.Equal(0u, after.InUse);
        Assert.True(after.Cached <= before.Cached + (50 * 64), $"{after.Cached} are cached, {before.Cached} were.");
        long slabs = Math.Max(0, (long)after.Cached - before.Cached) / 64;                 // each is a segment, in tables that double
        Assert.True(
            after.BookkeepingBytes <= before.BookkeepingBytes + 2_000 + (slabs * 160),
            $"{after.BookkeepingBytes} bytes, {before.BookkeepingBytes} were; {slabs} slabs more.");
        Assert.True(growth < 2_000_000, $"{growth} bytes more for 9,000 threads.");
        arena.Validate();
    }

    /// <summary>What ended threads had is there until their finalisers have run. The call alone collects once if that is a small
    /// part.</summary>
    private static long LiveBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
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
