using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>Whatever makes room wakes who waits for it. A grant has completed the task when the call that made the room returns.</summary>
public class WakeUpTests
{
    public static TheoryData<FitPolicy> Policies => new(Enum.GetValues<FitPolicy>());

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_free_wakes(FitPolicy policy)
    {
        using Arena<uint> arena = new("full", 0, 100, 1);
        arena.Allocate(100);
        ValueTask<uint> waiter = arena.AllocateAsync(100, policy);
        Assert.False(waiter.IsCompleted);
        arena.Free(0, 100);
        Assert.True(waiter.IsCompletedSuccessfully);
        Assert.Equal(0u, waiter.Result);
        arena.Validate();
    }

    [Fact]
    public void A_free_by_handle_wakes()
    {
        using Arena<uint> arena = new("full", 0, 100, 1);
        Assert.True(arena.TryAllocateHandle(100, out RangeHandle<uint> handle));
        ValueTask<uint> waiter = arena.AllocateAsync(50);
        arena.Free(handle);
        Assert.True(waiter.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_constrained_free_wakes()
    {
        using Arena<uint> arena = new("full", 0, 100, 1);
        arena.Allocate(100);
        ValueTask<uint> waiter = arena.AllocateAsync(50);
        arena.FreeConstrained(0, 100);
        Assert.True(waiter.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_free_of_many_wakes_who_needs_them_all()
    {
        using Arena<uint> arena = new("full", 0, 100, 1);
        uint[] starts = new uint[10];
        Assert.Equal(10, arena.TryAllocateMany(10, starts));
        ValueTask<uint> waiter = arena.AllocateAsync(100);
        arena.FreeMany(starts, 10);
        Assert.True(waiter.IsCompletedSuccessfully);
    }

    [Fact]
    public void Shrinking_wakes()
    {
        using Arena<uint> arena = new("full", 0, 100, 1);
        arena.Allocate(100);
        ValueTask<uint> waiter = arena.AllocateAsync(40);
        Assert.True(arena.TryExtend(0, 100, 61));
        Assert.False(waiter.IsCompleted);
        Assert.True(arena.TryExtend(0, 61, 60));
        Assert.True(waiter.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_span_that_is_added_wakes()
    {
        using Arena<uint> arena = new("full", 0, 100, 1);
        arena.Allocate(100);
        ValueTask<uint> waiter = arena.AllocateAsync(40);
        arena.AddSpan(1_000, 40);
        Assert.True(waiter.IsCompletedSuccessfully);
        Assert.Equal(1_000u, waiter.Result);
    }

    [Fact]
    public void A_head_that_gives_up_lets_those_behind_it_fit()
    {
        using Arena<uint> arena = new("half", 0, 100, 1);
        arena.Allocate(50);
        using CancellationTokenSource giveUp = new();
        ValueTask<uint> head = arena.AllocateAsync(60, giveUp.Token);
        ValueTask<uint> behind = arena.AllocateAsync(50);
        Assert.False(behind.IsCompleted);
        giveUp.Cancel();
        Assert.True(head.IsCanceled);
        Assert.True(behind.IsCompletedSuccessfully);
        arena.Validate();
    }

    [Fact]
    public void One_free_wakes_as_many_as_it_has_room_for()
    {
        using Arena<uint> arena = new("full", 0, 100, 1);
        arena.Allocate(100);
        ValueTask<uint>[] waiters = [.. Enumerable.Range(0, 5).Select(_ => arena.AllocateAsync(30))];
        arena.Free(0, 100);
        Assert.Equal([true, true, true, false, false], waiters.Select(waiter => waiter.IsCompleted));
        arena.Free(waiters[1].Result, 30);
        Assert.Equal([true, true, true, true, false], waiters.Select(waiter => waiter.IsCompleted));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Constraints_are_waited_for(FitPolicy policy)
    {
        using Arena<uint> arena = new("full", 0, 1_024, 1);
        for (uint i = 0; i < 16; i++)
        {
            Assert.Equal(i * 64, arena.Allocate(64, FitPolicy.FirstFit));
        }

        ValueTask<uint> waiter = arena.AllocateAsync(
            20,
            new RangeConstraints<uint> { Align = 128, Phase = 8, Min = 500, Max = 700 },
            policy);
        arena.Free(0, 64);
        arena.Free(576, 64);
        Assert.False(waiter.IsCompleted);
        arena.Free(640, 64);
        Assert.True(waiter.IsCompletedSuccessfully);
        Assert.Equal(648u, waiter.Result);
    }

    [Fact]
    public void An_import_beside_it_that_is_longer_than_needed_wakes()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source });
        ValueTask<uint> waiter = arena.AllocateAsync(10);
        Assert.False(waiter.IsCompleted);
        source.Answer = (size, _) => size > 10 ? (1_000, 64) : null;
        Assert.True(arena.TryAllocate(20, out _));
        Assert.True(waiter.IsCompletedSuccessfully);
        arena.Validate();
    }

    [Fact]
    public void A_source_that_cannot_notify_is_asked_again_on_request()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source });
        ValueTask<uint> waiter = arena.AllocateAsync(10);
        arena.RetryWaiters();
        Assert.False(waiter.IsCompleted);
        int asked = source.Requests.Count;
        source.Answer = (size, _) => (1_000, size);
        Assert.Equal(asked, source.Requests.Count);
        arena.RetryWaiters();
        Assert.True(waiter.IsCompletedSuccessfully);
        arena.RetryWaiters();
        Assert.Single(source.Outstanding);
    }

    [Fact]
    public async Task Headroom_under_the_limit_wakes()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_000u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, Limit = 100 });
        uint one = arena.Allocate(60);
        ValueTask<uint> waiter = arena.AllocateAsync(70);
        Assert.False(waiter.IsCompleted);
        arena.Free(one, 60);
        _ = await waiter;
        Assert.Equal(70u, arena.GetStatistics().TotalSize);
        arena.Validate();
    }

    [Fact]
    public async Task A_removed_span_leaves_headroom_under_the_limit()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_000u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, Limit = 100 });
        arena.AddSpan(0, 40);
        arena.Allocate(50);
        ValueTask<uint> waiter = arena.AllocateAsync(45);
        Assert.False(waiter.IsCompleted);
        Assert.True(arena.TryRemoveSpan(0, 40));
        _ = await waiter;
        arena.Validate();
    }

    [Fact]
    public void Shrinking_wakes_in_an_importing_arena()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_000u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, Limit = 100 });
        uint imported = arena.Allocate(60);
        ValueTask<uint> waiter = arena.AllocateAsync(50);
        Assert.False(waiter.IsCompleted);
        Assert.True(arena.TryExtend(imported, 60, 10));
        Assert.True(waiter.IsCompletedSuccessfully);
        arena.Validate();
    }

    /// <summary>An import that becomes empty is not given back first and imported again.</summary>
    [Fact]
    public void An_empty_import_goes_to_who_waits_before_it_goes_back()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, Limit = 128 });
        uint[] starts = [arena.Allocate(64), arena.Allocate(64)];
        ValueTask<uint>[] waiters = [arena.AllocateAsync(64), arena.AllocateAsync(64)];
        arena.FreeMany(starts, 64);
        Assert.All(waiters, waiter => Assert.True(waiter.IsCompletedSuccessfully));
        Assert.Equal((2, 0), (source.Imports, source.Releases));
        arena.Validate();
    }

    [Fact]
    public void What_who_waits_leaves_of_the_imports_is_trimmed()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 1_024u);
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = source, Limit = 256 });
        uint[] starts = [.. Enumerable.Range(0, 4).Select(_ => arena.Allocate(64))];
        ValueTask<uint> waiter = arena.AllocateAsync(64);
        arena.FreeMany(starts, 64);
        Assert.True(waiter.IsCompletedSuccessfully);
        Assert.Equal(2, source.Outstanding.Count);
        Assert.Equal(128u, arena.GetStatistics().TotalSize);
        arena.Validate();
    }
}
