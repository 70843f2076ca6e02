using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>A request of one arena does not fail because of what others above the same source keep and nobody uses.</summary>
public class SiblingTests
{
    [Fact]
    public void What_an_idle_sibling_keeps_comes_back()
    {
        using Arena<uint> pool = new("pool", 0, 4, 1);
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = pool });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = pool });
        a.Free(a.Allocate(1), 1);
        b.Allocate(3);
        Assert.True(b.AllocateAsync(1, TestContext.Current.CancellationToken).AsTask().IsCompletedSuccessfully);
        Assert.Equal(0u, a.GetStatistics().TotalSize);
        Validate(a, b, pool);
    }

    [Fact]
    public void The_source_itself_gets_it_back()
    {
        using Arena<uint> pool = new("pool", 0, 4, 1);
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = pool });
        a.Free(a.Allocate(4), 4);
        Assert.Equal(0u, pool.Allocate(4));
        Assert.Equal(0, pool.GetStatistics().Failures);
    }

    [Fact]
    public void Of_four_caching_tenants_one_gets_everything()
    {
        using Arena<uint> pool = new("pool", 0, 1_024, 1);
        OneOfFourTenantsGetsEverything(pool, pool);
    }

    /// <summary>Each has had and freed 200 of the pool's 1,024, and keeps some; then one asks for all.</summary>
    internal static void OneOfFourTenantsGetsEverything(Arena<uint> pool, IArenaSource<uint> source)
    {
        Arena<uint>[] tenants = [.. Enumerable.Range(0, 4).Select(_ =>
            new Arena<uint>("tenant", 1, new ArenaOptions<uint> { Source = source, QuantumCacheMax = 8 }))];
        foreach (Arena<uint> tenant in tenants)
        {
            uint[] ids = [.. Enumerable.Range(0, 200).Select(_ => tenant.Allocate(1))];
            Array.ForEach(ids, id => tenant.Free(id, 1));
        }

        HashSet<uint> got = [];
        while (tenants[2].TryAllocate(1, out uint id))
        {
            Assert.True(got.Add(id));
        }

        Assert.Equal(1_024, got.Count);
        Validate([.. tenants, pool]);
        Array.ForEach(tenants, tenant => tenant.Dispose());
        Assert.Equal(0u, pool.GetStatistics().InUse);
    }

    /// <summary>A cousin keeps it, two levels above the common ground.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(4u)]
    public void It_comes_back_from_any_depth(uint cacheMax)
    {
        using Arena<uint> ground = new("ground", 0, 64, 1);
        ArenaOptions<uint> options = new() { Source = ground, QuantumCacheMax = cacheMax };
        using Arena<uint> left = new("left", 1, options);
        using Arena<uint> leftTop = new("left top", 1, options with { Source = left });
        using Arena<uint> right = new("right", 1, options);
        using Arena<uint> rightTop = new("right top", 1, options with { Source = right });
        uint[] held = [.. Enumerable.Range(0, 40).Select(_ => leftTop.Allocate(1))];
        Array.ForEach(held, start => leftTop.Free(start, 1));
        Assert.Equal(0u, rightTop.Allocate(64));
        Assert.Equal((0u, 0u), (left.GetStatistics().TotalSize, leftTop.GetStatistics().TotalSize));
        Validate(leftTop, left, rightTop, right, ground);
    }

    [Fact]
    public void A_buddy_allocator_asks_for_it_too()
    {
        BuddyAllocator<uint> source = new(0, 1_024, 16, 1_024);
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = source });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = source });
        a.Free(a.Allocate(16), 16);
        Assert.True(b.TryAllocate(1_024, out _));
        Assert.Equal(0, source.GetStatistics().Failures);
        b.Free(0, 1_024);
        Assert.Equal(0u, source.Allocate(1_024));
        Assert.False(source.TryAllocate(16, out _));
        Assert.Equal(1, source.GetStatistics().Failures);
    }

    [Fact]
    public void A_free_in_one_serves_who_waits_in_another()
    {
        using Arena<uint> pool = new("pool", 0, 8, 1);
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = pool });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = pool });
        uint held = a.Allocate(8);
        ValueTask<uint> above = b.AllocateAsync(5, TestContext.Current.CancellationToken);
        ValueTask<uint> here = pool.AllocateAsync(3, TestContext.Current.CancellationToken);
        Assert.False(above.IsCompleted || here.IsCompleted);
        a.Free(held, 8);
        Assert.True(above.IsCompletedSuccessfully && here.IsCompletedSuccessfully);
        Validate(a, b, pool);
    }

    /// <summary>It keeps something while only its own wait listens to the source. That must not outlast the wait.</summary>
    [Fact]
    public async Task Who_has_waited_before_keeps_nothing_that_a_sibling_waits_for()
    {
        using Arena<uint> pool = new("pool", 0, 8, 1);
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = pool });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = pool });
        uint held = pool.Allocate(3);
        Assert.Equal(3u, a.Allocate(5));
        ValueTask<uint> served = a.AllocateAsync(2, TestContext.Current.CancellationToken);
        pool.Free(held, 3);
        Assert.True(served.IsCompletedSuccessfully);
        uint start = await served;
        ValueTask<uint> waiter = b.AllocateAsync(8, TestContext.Current.CancellationToken);
        a.Free(start, 2);
        a.Free(3, 5);
        Assert.True(waiter.IsCompletedSuccessfully);
        Validate(a, b, pool);
    }

    [Fact]
    public void A_free_serves_a_cousin_who_waits()
    {
        using Arena<uint> ground = new("ground", 0, 8, 1);
        using Arena<uint> left = new("left", 1, new ArenaOptions<uint> { Source = ground });
        using Arena<uint> leftTop = new("left top", 1, new ArenaOptions<uint> { Source = left });
        using Arena<uint> right = new("right", 1, new ArenaOptions<uint> { Source = ground });
        uint held = leftTop.Allocate(8);
        ValueTask<uint> waiter = right.AllocateAsync(8, TestContext.Current.CancellationToken);
        Assert.False(waiter.IsCompleted);
        leftTop.Free(held, 8);
        Assert.True(waiter.IsCompletedSuccessfully);
    }

    /// <summary>While somebody waits in an arena, its caches lend what cannot help him: it may help another.</summary>
    [Fact]
    public void What_is_lent_in_one_goes_to_who_waits_in_another()
    {
        using Arena<uint> pool = new("pool", 0, 8, 1);
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = pool, QuantumCacheMax = 4 });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = pool });
        uint[] held = [.. Enumerable.Range(0, 8).Select(_ => a.Allocate(1))];
        ValueTask<uint> large = a.AllocateAsync(4, TestContext.Current.CancellationToken);
        for (int i = 0; i < 300; i++)
        {
            a.Free(held[0], 1);
            held[0] = a.Allocate(1);
        }

        a.Free(held[0], 1);
        Assert.True(b.AllocateAsync(1, TestContext.Current.CancellationToken).AsTask().IsCompletedSuccessfully);
        ValueTask<uint> next = b.AllocateAsync(1, TestContext.Current.CancellationToken);
        Assert.False(next.IsCompleted);
        a.Free(held[1], 1);
        Assert.True(next.IsCompletedSuccessfully);
        Assert.False(large.IsCompleted);
        Validate(a, b, pool);
    }

    /// <summary>Who waits in an arena listens to its source. That is no reason to keep nothing in that arena.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Beside_one_who_waits_pairs_do_not_ask_the_source(int depth)
    {
        using Arena<uint> pool = new("pool", 0, 4_096, 1);
        List<Arena<uint>> arenas = [pool];
        for (int level = 0; level < depth; level++)
        {
            uint cacheMax = level == depth - 1 ? 4u : 0;
            arenas.Add(new Arena<uint>($"{level}", 1, new ArenaOptions<uint> { Source = arenas[^1], QuantumCacheMax = cacheMax }));
        }

        Arena<uint> top = arenas[^1];
        _ = pool.Allocate(3_968);
        _ = top.Allocate(1);                      // what it lies in is no empty import
        ValueTask<uint> waiter = top.AllocateAsync(3_000, TestContext.Current.CancellationToken);
        top.Free(top.Allocate(1), 1);
        long asked = pool.GetStatistics().Allocations + pool.GetStatistics().Failures;
        for (int i = 0; i < 1_000; i++)
        {
            top.Free(top.Allocate(1), 1);
        }

        Assert.InRange(pool.GetStatistics().Allocations + pool.GetStatistics().Failures - asked, 0, 20);
        Assert.False(waiter.IsCompleted);
        pool.Free(0, 3_968);
        Assert.True(waiter.IsCompletedSuccessfully);
        Validate([.. arenas]);
        arenas.Reverse();
        arenas.ForEach(static arena => arena.Dispose());
    }

    /// <summary>A limit of a sibling leaves room when what it keeps has gone back: who waits in it is served.</summary>
    [Fact]
    public void Who_waits_in_a_sibling_that_is_asked_is_tried_again()
    {
        using Arena<uint> pool = new("pool", 0, 100, 1);
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = pool, Limit = 60 });
        uint one = a.Allocate(30);
        uint other = a.Allocate(30);
        ValueTask<uint> waiter = a.AllocateAsync(50, TestContext.Current.CancellationToken);
        a.Free(other, 30);
        Assert.False(waiter.IsCompleted);
        a.Free(one, 30);
        Assert.True(waiter.IsCompletedSuccessfully);
        Validate(a, pool);
    }

    /// <summary>What a request that fails costs beside siblings: a step for each that has something to give, once.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(1_000)]
    public void Siblings_that_keep_nothing_cost_nothing(int siblings)
    {
        using Arena<uint> pool = new("pool", 0, (uint)siblings, 1);
        ArenaOptions<uint> options = new() { Source = pool };
        Arena<uint>[] all = [.. Enumerable.Range(0, siblings).Select(_ => new Arena<uint>("idle", 1, options))];
        Array.ForEach(all, arena => arena.Free(arena.Allocate(1), 1));
        using Arena<uint> poor = new("poor", 1, new ArenaOptions<uint> { Source = pool });
        Assert.Equal(0u, poor.Allocate((uint)siblings));
        _ = StepCounter.Take();
        Assert.False(poor.TryAllocate(1, out _));
        Assert.InRange(StepCounter.Take(), 1, 20);
        Array.ForEach(all, arena => arena.Dispose());
    }

    [Fact]
    public void A_sibling_that_was_dropped_can_be_collected()
    {
        using Arena<uint> pool = new("pool", 0, 100, 1);
        WeakReference dropped = Drop(pool);
        for (int i = 0; i < 10 && dropped.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(dropped.IsAlive);
        Assert.False(pool.TryAllocate(100, out _));
        pool.Validate();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Drop(Arena<uint> pool)
    {
        Arena<uint> arena = new("dropped", 1, new ArenaOptions<uint> { Source = pool });
        arena.Free(arena.Allocate(10), 10);
        return new WeakReference(arena);
    }

    /// <summary>A single-threaded arena above a shared one is left alone: it would be asked on another thread.</summary>
    [Fact]
    public void A_single_threaded_sibling_is_asked_only_below_a_single_threaded_source()
    {
        foreach (bool alone in (bool[])[true, false])
        {
            using Arena<uint> pool = new("pool", 0, 8, 1, new ArenaOptions<uint> { SingleThreaded = alone });
            using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = pool, SingleThreaded = true });
            using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = pool, SingleThreaded = true });
            a.Free(a.Allocate(4), 4);
            Assert.Equal(alone, b.TryAllocate(8, out _));
        }
    }

    private static void Validate(params Arena<uint>[] arenas) => Array.ForEach(arenas, arena => arena.Validate());
}
