using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>A source that throws while it is asked for somebody who waits harms him and nobody else.</summary>
public class WaitFaultTests
{
    private static readonly TimeSpan s_deadlock = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task What_a_source_throws_belongs_to_the_waiter_and_not_to_the_thread_that_freed()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 100u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, Limit = 60 });
        uint[] starts = [arena.Allocate(50), arena.Allocate(10)];
        ValueTask<uint> head = arena.AllocateAsync(55);
        ValueTask<uint> behind = arena.AllocateAsync(10);
        source.Answer = (size, _) => size == 55 ? throw new TimeZoneNotFoundException("of the source's own") : (1_000u, size);
        arena.Free(starts[1], 10);                // leaves headroom for less than the head wants
        Assert.False(head.IsCompleted);
        arena.Free(starts[0], 50);                // the source is asked for the head, by another thread
        await Assert.ThrowsAsync<TimeZoneNotFoundException>(async () => await head);
        _ = await behind;
        arena.Validate();
    }

    [Fact]
    public void A_source_that_breaks_its_contract_fails_the_waiter()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        arena.Allocate(20);
        ValueTask<uint> head = arena.AllocateAsync(50);
        source.Answer = (size, _) => (10, size);
        arena.RetryWaiters();
        Assert.IsType<InvalidOperationException>(head.AsTask().Exception!.InnerException);
        Assert.Empty(source.Outstanding);
        arena.Validate();
    }

    [Fact]
    public void A_source_that_will_not_have_an_unneeded_import_back_fails_who_still_waits()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 0, 20, 1, new ArenaOptions<uint> { Source = source, Limit = 50 });
        arena.Allocate(20);
        ValueTask<uint> waiter = arena.AllocateAsync(25);
        source.Answer = (_, _) => (1_000, 100);   // more than the limit leaves
        source.OnRelease = (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        arena.RetryWaiters();
        Assert.IsType<TimeZoneNotFoundException>(waiter.AsTask().Exception?.InnerException);
        arena.Validate();
    }

    [Fact]
    public void Who_was_granted_a_range_keeps_it_when_the_source_will_not_have_the_unneeded_import_back()
    {
        Arena<uint>? arena = null;
        ScriptedSource<uint> source = TestSources.Empty(1u);
        arena = new Arena<uint>("child", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        arena.Allocate(20);
        ValueTask<uint> waiter = arena.AllocateAsync(15);
        source.OnRelease = (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        source.Answer = (size, _) =>
        {
            arena.AddSpan(500, 15);
            return (1_000, size);
        };
        arena.RetryWaiters();
        Assert.True(waiter.IsCompletedSuccessfully);
        Assert.Equal(500u, waiter.Result);
        arena.Free(500, 15);
        arena.Validate();
    }

    [Fact]
    public void The_arena_is_free_for_others_while_the_source_is_asked_for_who_waits()
    {
        Arena<uint>? arena = null;
        ScriptedSource<uint> source = TestSources.Empty(1u);
        arena = new Arena<uint>("child", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        uint held = arena.Allocate(20);
        ValueTask<uint> head = arena.AllocateAsync(15);
        ValueTask<uint> behind = arena.AllocateAsync(5);
        bool inTime = false;
        source.Answer = (size, _) =>
        {
            source.Answer = (_, _) => null;
            Task other = Task.Run(() => arena.Free(held, 20));
            inTime = other.Wait(s_deadlock) && head.IsCompletedSuccessfully && behind.IsCompletedSuccessfully;
            return (1_000, size);
        };
        arena.RetryWaiters();
        Assert.True(inTime, "A free meets who waits, though the source is being asked for him.");
        Assert.Empty(source.Outstanding);
        arena.Validate();
        arena.Dispose();
    }

    [Fact]
    public void A_waiter_that_is_cancelled_while_the_source_is_asked_for_it_loses_nothing()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        arena.Allocate(20);
        using CancellationTokenSource cancel = new();
        ValueTask<uint> head = arena.AllocateAsync(15, cancel.Token);
        source.Answer = (size, _) =>
        {
            cancel.Cancel();
            return (1_000, size);
        };
        arena.RetryWaiters();
        Assert.True(head.IsCanceled);
        Assert.Empty(source.Outstanding);
        Assert.Equal(20u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    [Fact]
    public void An_arena_that_is_disposed_while_its_source_is_asked_gives_the_import_back()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        Arena<uint> arena = new("child", 0, 20, 1, new ArenaOptions<uint> { Source = source });
        arena.Allocate(20);
        ValueTask<uint> head = arena.AllocateAsync(15);
        source.Answer = (size, _) =>
        {
            arena.Dispose();
            return (1_000, size);
        };
        arena.RetryWaiters();
        Assert.IsType<ObjectDisposedException>(head.AsTask().Exception!.InnerException);
        Assert.Empty(source.Outstanding);
    }

    /// <summary>Another import took what the limit left while the source was asked.</summary>
    [Fact]
    public void A_source_that_will_not_have_back_what_came_too_late_fails_who_still_waits()
    {
        Arena<uint>? arena = null;
        ScriptedSource<uint> source = TestSources.Empty(1u);
        arena = new Arena<uint>("child", 0, 20, 1, new ArenaOptions<uint> { Source = source, Limit = 50 });
        arena.Allocate(20);
        ValueTask<uint> waiter = arena.AllocateAsync(25);
        source.OnRelease = (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        source.Answer = (size, constraints) =>
        {
            source.Answer = static (size, _) => (2_000, size);
            Assert.True(arena.TryAllocate(10, out uint _));
            source.Answer = static (_, _) => null;
            return (1_000, size);
        };
        arena.RetryWaiters();
        Assert.IsType<TimeZoneNotFoundException>(waiter.AsTask().Exception?.InnerException);
        arena.Validate();
    }
}
