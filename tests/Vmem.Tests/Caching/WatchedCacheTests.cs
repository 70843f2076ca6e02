using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Caches while requests wait or fail: who is stopped, what stays in a magazine, and that nobody who fits goes on
/// waiting.</summary>
public class WatchedCacheTests
{
    // Only reached when a test fails.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Pairs_stay_in_the_magazine_beside_a_request_that_they_cannot_help()
    {
        using Arena<uint> arena = Full(16);
        Task<uint> standing = arena.AllocateAsync(4, TestContext.Current.CancellationToken).AsTask();
        arena.Free(8, 1);
        long before = arena.GetStatistics().Allocations;
        Assert.Equal(1u, arena.GetStatistics().Cached);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(8u, arena.Allocate(1));
            arena.Free(8, 1);
        }

        Assert.Equal((1u, 0u, before + 100), (arena.GetStatistics().Cached, arena.GetStatistics().Free, arena.GetStatistics().Allocations));
        Assert.False(standing.IsCompleted);
        arena.Free(9, 1);
        arena.Free(7, 1);
        Assert.False(standing.IsCompleted);
        arena.Free(6, 1);
        Assert.Equal(6u, await standing);
        arena.Validate();
    }

    [Fact]
    public async Task What_is_lent_counts_as_free_only_while_nobody_holds_it()
    {
        using Arena<uint> arena = Full(16);
        Task<uint> standing = arena.AllocateAsync(4, TestContext.Current.CancellationToken).AsTask();
        arena.Free(4, 1);
        Assert.Equal(4u, arena.Allocate(1));      // lent, and out
        arena.Free(5, 1);
        arena.Free(6, 1);
        arena.Free(7, 1);                         // all four would do, if the first were not out
        Assert.False(standing.IsCompleted);
        arena.Free(4, 1);
        Assert.True(standing.IsCompletedSuccessfully);
        Assert.Equal(4u, await standing);
    }

    [Fact]
    public async Task Another_range_does_not_take_the_place_of_the_one_that_was_lent()
    {
        using Arena<uint> arena = Full(16);
        Task<uint> standing = arena.AllocateAsync(2, TestContext.Current.CancellationToken).AsTask();
        arena.Free(8, 1);
        Assert.Equal(8u, arena.Allocate(1));
        arena.Free(3, 1);                         // in the place of 8
        arena.Free(2, 1);                         // beside it
        Assert.True(standing.IsCompletedSuccessfully);
        Assert.Equal(2u, await standing);
    }

    [Fact]
    public async Task The_next_head_is_tried_with_what_was_lent_to_the_one_before()
    {
        using Arena<uint> arena = Full(16);
        using CancellationTokenSource cancel = new();
        Task<uint> large = arena.AllocateAsync(8, cancel.Token).AsTask();
        Task<uint> small = arena.AllocateAsync(2, TestContext.Current.CancellationToken).AsTask();
        arena.Free(0, 1);
        arena.Free(1, 1);
        Assert.False(small.IsCompleted);          // it stands behind
        await cancel.CancelAsync();
        Assert.True(large.IsCanceled);
        Assert.True(small.IsCompletedSuccessfully);
        Assert.Equal(0u, await small);
    }

    /// <summary>What is put back without the lock is told to nobody.</summary>
    [Fact]
    public void An_arena_above_that_comes_to_wait_is_told_of_what_was_lent()
    {
        using Arena<uint> arena = Full(16);
        Task<uint> standing = arena.AllocateAsync(4, TestContext.Current.CancellationToken).AsTask();
        arena.Free(8, 1);
        Assert.Equal(8u, arena.Allocate(1));      // lent, and out
        using Arena<uint> above = new("above", 1, new ArenaOptions<uint> { Source = arena });
        Task<uint> waiter = above.AllocateAsync(1, TestContext.Current.CancellationToken).AsTask();
        Assert.False(waiter.IsCompleted);
        arena.Free(8, 1);
        Assert.True(waiter.IsCompletedSuccessfully);
        Assert.False(standing.IsCompleted);
    }

    [Fact]
    public void Ranges_that_cannot_be_lent_make_no_garbage()
    {
        using Arena<uint> arena = new("misaligned", 0, 64, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        _ = arena.Allocate(32, FitPolicy.FirstFit);
        RangeConstraints<uint> below = new() { Max = 32 };
        Task<uint> standing = arena.AllocateAsync(8, below, TestContext.Current.CancellationToken).AsTask();
        Assert.Equal(0, Garbage.Of(500, () => arena.Free(arena.Allocate(1), 1)));
        Assert.False(standing.IsCompleted);
    }

    [Fact]
    public void Ranges_are_handed_over_in_the_order_of_the_requests()
    {
        using Arena<uint> arena = Full(16);
        Task<uint>[] waiting = [.. Enumerable.Range(0, 8).Select(i => arena.AllocateAsync(i == 3 ? 2u : 1u).AsTask())];
        for (uint start = 0; start < 10; start++)
        {
            arena.Free(start, 1);
            Assert.Equal(waiting.Select(static task => task.IsCompleted).OrderDescending(),
                waiting.Select(static task => task.IsCompleted));
        }

        Assert.All(waiting, static task => Assert.True(task.IsCompletedSuccessfully));
        Assert.Equal(8, waiting.Select(static task => task.Result).Distinct().Count());
        Assert.Equal((15u, 1L), (arena.GetStatistics().InUse, arena.GetStatistics().Failures));       // one as it was filled
        arena.Validate();
    }

    /// <summary>Gates and pairs of a cache are held by another thread: whoever wants to stop it hangs.</summary>
    [Fact]
    public void A_request_that_fails_stops_nobody_where_no_cache_holds_anything()
    {
        using Arena<uint> arena = Full(16);
        Assert.False(arena.TryAllocate(1, out _));
        Stand(arena, 1, () => Assert.False(arena.TryAllocate(1, out _)));
        Assert.Equal(3, arena.GetStatistics().Failures);            // one as it was filled
    }

    [Fact]
    public void A_request_that_fails_stops_only_the_caches_that_hold_something()
    {
        using Arena<uint> arena = Full(16);
        Assert.False(arena.TryAllocate(4, out _));
        arena.Free(5, 1);
        Stand(arena, 2, () => Assert.False(arena.TryAllocate(4, out _)));
        Assert.Equal(5u, arena.Allocate(1));
    }

    [Fact]
    public void Figures_stop_nobody_and_are_exact_when_nobody_is_busy()
    {
        using Arena<uint> arena = new("figures", 0, 1_000, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        uint first = arena.Allocate(3);
        arena.Free(arena.Allocate(2), 2);
        Stand(arena, 1, () =>
        {
            ArenaStatistics<uint> figures = arena.GetStatistics();
            Assert.Equal((3u, 1L, 2L, 1L), (figures.InUse, figures.LiveSegments, figures.Allocations, figures.Frees));
            Assert.Equal(figures.TotalSize, figures.InUse + figures.Cached + figures.Free);
        });
        arena.Free(first, 3);
        Assert.Equal((0u, 0L, 2L), (arena.GetStatistics().InUse, arena.GetStatistics().LiveSegments, arena.GetStatistics().Frees));
    }

    /// <summary>The figures add up whatever threads do meanwhile.</summary>
    [Fact]
    public void Figures_add_up_beside_busy_threads()
    {
        using Arena<byte> arena = new("busy", 0, 255, 1, new ArenaOptions<byte> { QuantumCacheMax = 4 });
        bool stop = false;
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            for (byte size = 1; !Volatile.Read(ref stop); size = (byte)(1 + (size % 4)))
            {
                if (arena.TryAllocate(size, out byte start))
                {
                    arena.Free(start, size);
                }
            }
        }) { IsBackground = true })];
        Array.ForEach(threads, static thread => thread.Start());
        for (int i = 0; i < 2_000; i++)
        {
            ArenaStatistics<byte> figures = arena.GetStatistics();
            Assert.Equal(255, figures.InUse + figures.Cached + figures.Free);
            Assert.Equal(figures.Allocations, figures.Frees + figures.LiveSegments);
            Assert.True(figures.LiveSegments >= 0 && figures.PeakInUse >= figures.InUse);
        }

        Volatile.Write(ref stop, true);
        Array.ForEach(threads, static thread => Assert.True(thread.Join(s_patience)));
        Assert.Equal((0, 0L), (arena.GetStatistics().InUse, arena.GetStatistics().LiveSegments));
    }

    private static class Accessor<T>
        where T : unmanaged, System.Numerics.IBinaryInteger<T>, System.Numerics.IUnsignedNumber<T>, System.Numerics.IMinMaxValue<T>
    {
        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_magazines")]
        public static extern ref MagazineCache<T>[] Magazines(Arena<T> arena);
    }

    /// <summary>An arena with caches to 4 in which every unit is a range of its own.</summary>
    private static Arena<uint> Full(uint size)
    {
        Arena<uint> arena = new("full", 0, size, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        while (arena.TryAllocate(1, out _))
        {
        }

        Assert.Equal((size, (long)size), (arena.GetStatistics().InUse, arena.GetStatistics().LiveSegments));
        return arena;
    }

    /// <summary>Runs something while another thread holds the cache of ranges of a size.</summary>
    private static void Stand(Arena<uint> arena, int size, Action run)
    {
        using ManualResetEventSlim held = new();
        using ManualResetEventSlim release = new();
        var holder = new Thread(() =>
        {
            MagazineCache<uint>[] caches = [Accessor<uint>.Magazines(arena)[size - 1]];
            MagazineCache<uint>.Claim(caches);
            held.Set();
            release.Wait();
            MagazineCache<uint>.Release(caches);
        })
        { IsBackground = true };
        holder.Start();
        Assert.True(held.Wait(s_patience));
        Exception? failure = null;
        var runner = new Thread(() => failure = Record.Exception(run)) { IsBackground = true };
        try
        {
            runner.Start();
            Assert.True(runner.Join(s_patience), "It waits for a cache that has nothing to do with it.");
        }
        finally
        {
            release.Set();
        }

        Assert.True(holder.Join(s_patience));
        Assert.Null(failure);
    }
}
