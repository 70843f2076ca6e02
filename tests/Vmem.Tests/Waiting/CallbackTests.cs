using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>Clocks, listeners and sources that throw, dispose or free in the midst of serving: everybody else gets what is his.</summary>
public class CallbackTests
{
    [Fact]
    public void Who_stands_behind_is_imported_for_though_the_end_of_another_wait_throws()
    {
        TroubledTime time = new();
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 0, 20, 1, new ArenaOptions<uint> { Source = source, TimeProvider = time });
        Task<uint>[] waiters = [.. Enumerable.Range(0, 3).Select(_ => arena.AllocateAsync(50).AsTask())];
        source.Answer = TestSources.Ascending(1u, 1_000u).Answer;
        time.OnTimestamp = static () => throw new TimeZoneNotFoundException();
        Assert.Throws<TimeZoneNotFoundException>(arena.RetryWaiters);
        Assert.All(waiters, static waiter => Assert.True(waiter.IsCompletedSuccessfully));
        arena.Validate();
    }

    [Fact]
    public void Arenas_above_are_told_of_room_though_the_end_of_a_wait_throws()
    {
        TroubledTime time = new();
        using Arena<uint> root = new("root", 0, 100, 1, new ArenaOptions<uint> { TimeProvider = time });
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = root });
        _ = root.Allocate(100);
        Task<uint> below = root.AllocateAsync(50).AsTask();
        Task<uint> above = child.AllocateAsync(50).AsTask();
        time.OnTimestamp = static () => throw new TimeZoneNotFoundException();
        Assert.Throws<TimeZoneNotFoundException>(() => root.Free(0, 100));
        Assert.True(below.IsCompletedSuccessfully);
        Assert.True(above.IsCompletedSuccessfully);
    }

    [Fact]
    public void Who_waits_for_what_has_gone_is_told_though_a_listener_throws()
    {
        using Arena<uint> arena = new("heard", 0, 20, 1);
        arena.AddSpan(100, 30);
        uint held = arena.Allocate(20, FitPolicy.FirstFit);
        Task<uint> head = arena.AllocateAsync(20, new RangeConstraints<uint> { Max = 20 }).AsTask();
        Task<uint> behind = arena.AllocateAsync(30).AsTask();
        Action listener = static () => throw new TimeZoneNotFoundException();
        ((INotifyingArenaSource<uint>)arena).Subscribe(listener);
        Assert.True(arena.TryRemoveSpan(100, 30));
        ((INotifyingArenaSource<uint>)arena).Unsubscribe(listener);
        Assert.IsType<ArenaExhaustedException>(behind.Exception?.InnerException);
        arena.Free(held, 20);
        Assert.True(head.IsCompletedSuccessfully);
    }

    /// <summary>The range lies in a slab, for the segments it is none of its own.</summary>
    [Fact]
    public void What_was_handed_to_a_wait_that_fails_to_begin_is_taken_back()
    {
        TroubledTime time = new();
        using Arena<uint> arena = new("handed", 0, 64, 1, new ArenaOptions<uint> { QuantumCacheMax = 1, TimeProvider = time });
        for (uint i = 0; i < 64; i++)
        {
            _ = arena.Allocate(1);
        }

        time.OnTimer = () =>
        {
            arena.Free(7, 1);
            throw new TimeZoneNotFoundException();
        };
        Assert.Throws<TimeZoneNotFoundException>(() => arena.TryAllocate(1, TimeSpan.FromMinutes(1), out _));
        Assert.Equal(63u, arena.GetStatistics().InUse);
        Assert.Equal(7u, arena.Allocate(1));
        arena.Validate();
    }

    [Fact]
    public void A_free_succeeds_though_the_arena_is_disposed_of_in_the_midst_of_serving()
    {
        TroubledTime time = new();
        Arena<uint> arena = new("ended", 0, 64, 1, new ArenaOptions<uint> { QuantumCacheMax = 1, TimeProvider = time });
        _ = arena.Allocate(40, FitPolicy.FirstFit);
        while (arena.TryAllocate(1, out _))
        {
        }

        Task<uint> first = arena.AllocateAsync(40).AsTask();
        Task<uint> second = arena.AllocateAsync(40).AsTask();
        arena.Free(50, 1);
        Assert.Equal(1u, arena.GetStatistics().Cached);        // lent
        time.OnTimestamp = arena.Dispose;
        arena.Free(0, 40);
        Assert.True(first.IsCompletedSuccessfully);
        Assert.IsType<ObjectDisposedException>(second.Exception?.InnerException);
    }

    [Fact]
    public async Task Who_was_handed_a_range_knows_before_the_source_is_asked_for_the_next()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("handed", 0, 16, 1, new ArenaOptions<uint> { QuantumCacheMax = 1, Source = source });
        for (uint i = 0; i < 16; i++)
        {
            _ = arena.Allocate(1);
        }

        Task<uint> first = arena.AllocateAsync(1).AsTask();
        Task<uint> second = arena.AllocateAsync(4).AsTask();
        TaskCompletionSource<bool> isTold = new();
        source.Answer = (_, _) =>
        {
            _ = isTold.TrySetResult(first.IsCompletedSuccessfully);
            return null;
        };
        arena.Free(3, 1);
        Assert.True(await isTold.Task);
        Assert.False(second.IsCompleted);
    }

    /// <summary>The first subscription fails, and somebody relied on it meanwhile.</summary>
    [Fact]
    public void Who_relied_on_the_subscription_of_another_is_woken_though_that_fails()
    {
        Arena<uint>? arena = null;
        Task<uint>? relying = null;
        TroubledSource source = new();
        arena = new Arena<uint>("child", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        _ = arena.Allocate(20);
        source.OnSubscribe = () =>
        {
            source.OnSubscribe = null;
            relying = arena.AllocateAsync(10).AsTask();
            throw new TimeZoneNotFoundException();
        };
        Assert.Throws<TimeZoneNotFoundException>(() => { _ = arena.AllocateAsync(10); });
        source.HasRoom = true;
        source.Notify();
        Assert.True(relying!.IsCompletedSuccessfully);
        arena.Dispose();
        Assert.Equal(0, source.Listeners);
    }

    [Fact]
    public void A_source_that_lets_nobody_go_is_told_to_who_freed_and_harms_no_wait()
    {
        TroubledSource source = new();
        using Arena<uint> arena = new("held", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        _ = arena.Allocate(20);
        Task<uint> waiter = arena.AllocateAsync(10).AsTask();
        source.OnUnsubscribe = static () => throw new TimeZoneNotFoundException();
        Assert.Throws<TimeZoneNotFoundException>(() => arena.Free(0, 20));
        source.OnUnsubscribe = null;
        Assert.True(waiter.IsCompletedSuccessfully);
        arena.Validate();
    }

    [Fact]
    public void However_many_wait_the_source_is_listened_to_once()
    {
        TroubledSource source = new();
        using Arena<uint> arena = new("child", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        _ = arena.Allocate(20);
        Task<uint>[] waiters = [.. Enumerable.Range(0, 3).Select(_ => arena.AllocateAsync(10).AsTask())];
        Assert.Equal(1, source.Listeners);
        arena.Free(0, 20);
        Assert.Equal(1, source.Listeners);
        arena.Free(waiters[0].Result, 10);
        Assert.Equal(0, source.Listeners);
    }

    [Fact]
    public void Who_is_served_on_the_way_into_the_queue_has_not_waited()
    {
        TroubledSource source = new();
        using Arena<uint> arena = new("child", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        _ = arena.Allocate(20);
        source.OnSubscribe = () => arena.Free(0, 20);
        Assert.True(arena.AllocateAsync(10).IsCompletedSuccessfully);
        Assert.Equal(0, arena.GetStatistics().Waits);
        Assert.Equal(0, source.Listeners);
    }

    [Fact]
    public void Who_is_served_while_its_timer_is_made_leaves_none()
    {
        TroubledTime time = new();
        using Arena<uint> arena = new("timed", 0, 20, 1, new ArenaOptions<uint> { TimeProvider = time });
        _ = arena.Allocate(20);
        time.OnTimer = () => arena.Free(0, 20);
        Assert.True(arena.TryAllocate(10, TimeSpan.FromMinutes(1), out _));
        Assert.Equal(0, time.Timers);
        Assert.Equal(1, arena.GetStatistics().Waits);
    }

    /// <summary>It has been found possible, and is about to be queued.</summary>
    [Fact]
    public void Who_becomes_impossible_on_the_way_into_the_queue_is_told_so()
    {
        TroubledTime time = new();
        using Arena<uint> pool = new("pool", 0, 20, 1);
        pool.AddSpan(100, 30);
        Assert.Equal(100u, pool.Allocate(30));
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = pool, TimeProvider = time });
        time.OnTimestamp = () => time.OnTimestamp = () =>
        {
            pool.Free(100, 30);
            Assert.True(pool.TryRemoveSpan(100, 30));
        };
        Task<uint> waiter = arena.AllocateAsync(30).AsTask();
        Assert.IsType<ArenaExhaustedException>(waiter.Exception?.InnerException);
        arena.Validate();
    }

    [Fact]
    public void What_the_end_of_a_failed_wait_throws_reaches_who_took_the_room_away()
    {
        TroubledTime time = new();
        using Arena<uint> arena = new("shrinking", 0, 100, 1, new ArenaOptions<uint> { TimeProvider = time });
        arena.AddSpan(1_000, 200);
        Assert.True(arena.TryAllocateAt(1_000, 100));
        Task<uint> doomed = arena.AllocateAsync(150).AsTask();
        time.OnTimestamp = static () => throw new TimeZoneNotFoundException();
        Assert.Throws<TimeZoneNotFoundException>(() => arena.TryDrainSpan(1_000));
        Assert.IsType<ArenaExhaustedException>(doomed.Exception?.InnerException);
    }

    [Fact]
    public void What_the_end_of_a_wait_throws_reaches_who_made_room_in_the_source()
    {
        TroubledTime time = new();
        using Arena<uint> root = new("root", 0, 100, 1);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = root, TimeProvider = time });
        _ = root.Allocate(100);
        Task<uint> above = child.AllocateAsync(50).AsTask();
        time.OnTimestamp = static () => throw new TimeZoneNotFoundException();
        Assert.Throws<TimeZoneNotFoundException>(() => root.Free(0, 100));
        Assert.True(above.IsCompletedSuccessfully);
    }

    [Fact]
    public void What_was_granted_on_the_way_into_the_queue_is_taken_back_if_that_throws()
    {
        TroubledSource source = new();
        using Arena<uint> arena = new("child", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        _ = arena.Allocate(20);
        source.OnSubscribe = () => arena.Free(0, 20);
        source.OnUnsubscribe = static () => throw new TimeZoneNotFoundException();
        Assert.Throws<TimeZoneNotFoundException>(() => { _ = arena.AllocateAsync(10); });
        Assert.Equal(0u, arena.GetStatistics().InUse);
        source.OnUnsubscribe = null;
    }
}
