using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>A wait for what no freeing and importing could ever make room for is an error, at once. FreeBSD waits for ever.</summary>
public class ImpossibleWaitTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void More_than_any_span()
    {
        using Arena<uint> arena = new("small", 0, 100, 1);
        arena.AddSpan(100, 60);                   // spans do not coalesce
        AssertImpossible(arena, 101, default);
        AssertImpossible(new Arena<uint>("without a span", 1), 1, default);
        Assert.True(arena.AllocateAsync(100).IsCompletedSuccessfully);
    }

    [Fact]
    public void No_place_in_any_span()
    {
        using Arena<uint> arena = new("small", 1_000, 100, 1);
        AssertImpossible(arena, 10, new() { Align = 1_024, Phase = 200 });
        AssertImpossible(arena, 10, new() { Min = 1_091 });
        AssertImpossible(arena, 10, new() { Max = 1_009 });
        Assert.True(arena.AllocateAsync(10, new RangeConstraints<uint> { Align = 128, Max = 1_034 }).IsCompletedSuccessfully);
    }

    [Fact]
    public void What_is_not_well_formed_is_refused_like_everywhere()
    {
        using Arena<uint> arena = new("small", 0, 100, 4);
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.TryAllocate(0, s_second, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = arena.AllocateAsync(uint.MaxValue); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = arena.AllocateAsync(4, (FitPolicy)9); });
        Assert.Throws<ArgumentException>(() => { _ = arena.AllocateAsync(4, new RangeConstraints<uint> { Align = 6 }); });
        Assert.Throws<ArgumentException>(() => arena.TryAllocateConstrained(4, new() { NoCross = 2 }, FitPolicy.BestFit, s_second, out _));
    }

    [Fact]
    public async Task More_than_the_limit_leaves_beside_the_spans_that_were_added()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_000u);
        using Arena<uint> arena = new("limited", 0, 40, 1, new ArenaOptions<uint> { Source = source, Limit = 100 });
        arena.Allocate(40);
        AssertImpossible(arena, 61, default);
        uint imported = arena.Allocate(30);
        ValueTask<uint> waiter = arena.AllocateAsync(60);
        Assert.False(waiter.IsCompleted);
        arena.Free(imported, 30);
        _ = await waiter;
    }

    [Fact]
    public void More_than_the_source_and_its_source_could_ever_give()
    {
        using Arena<uint> ground = new("ground", 0, 1_024, 64);
        using Arena<uint> middle = new("middle", 16, new ArenaOptions<uint> { Source = ground });
        using Arena<uint> top = new("top", 1, new ArenaOptions<uint> { Source = middle });
        ground.Allocate(1_024);
        AssertImpossible(top, 1_025, default);
        AssertImpossible(top, 10, new() { Min = 1_020 });
        AssertImpossible(top, 10, new() { Align = 2_048, Phase = 1_500 });
        ValueTask<uint> waiter = top.AllocateAsync(1_024);
        Assert.False(waiter.IsCompleted);
        ground.Free(0, 1_024);
        Assert.True(waiter.IsCompletedSuccessfully);
    }

    /// <summary>Of a source that is no arena, nothing is known.</summary>
    [Fact]
    public void Any_other_source_may_one_day_give_anything()
    {
        using Arena<uint> arena = new("hopeful", 1, new ArenaOptions<uint> { Source = TestSources.Empty(1u) });
        Assert.False(arena.AllocateAsync(1_000_000).IsCompleted);
    }

    [Fact]
    public void A_span_that_is_removed_fails_who_counted_on_it_and_nobody_else()
    {
        using Arena<uint> arena = new("shrinking", 0, 100, 1);
        arena.AddSpan(1_000, 200);
        arena.Allocate(100);
        ValueTask<uint> head = arena.AllocateAsync(100, new RangeConstraints<uint> { Max = 100 });
        ValueTask<uint> doomed = arena.AllocateAsync(150);
        ValueTask<uint> last = arena.AllocateAsync(100);
        Assert.True(arena.TryRemoveSpan(1_000, 200));
        ArenaExhaustedException failure = Assert.IsType<ArenaExhaustedException>(doomed.AsTask().Exception!.InnerException);
        Assert.Equal(((UInt128)150, FitFailure.LargerThanAnySpan), (failure.Requested, failure.Failure));
        Assert.False(head.IsCompleted || last.IsCompleted);
        Assert.Equal(1, arena.GetStatistics().Failures);
        arena.Free(0, 100);
        Assert.True(head.IsCompletedSuccessfully);
        arena.Free(0, 100);
        Assert.True(last.IsCompletedSuccessfully);
        arena.Validate();
    }

    [Fact]
    public void A_span_removed_from_the_source_fails_who_counted_on_it_above()
    {
        using Arena<uint> ground = new("ground", 0, 60, 1);
        ground.AddSpan(1_000, 100);
        using Arena<uint> middle = new("middle", 1, new ArenaOptions<uint> { Source = ground });
        using Arena<uint> top = new("top", 1, new ArenaOptions<uint> { Source = middle, Limit = 100 });
        uint imported = top.AllocateConstrained(60, new() { Max = 60 });
        ValueTask<uint> doomed = top.AllocateAsync(80);
        ValueTask<uint> behind = top.AllocateAsync(40);
        Assert.True(ground.TryRemoveSpan(1_000, 100));
        Assert.IsType<ArenaExhaustedException>(doomed.AsTask().Exception!.InnerException);
        Assert.False(behind.IsCompleted);
        top.Free(imported, 60);
        Assert.True(behind.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_span_added_under_the_limit_may_make_an_import_impossible()
    {
        ScriptedSource<uint> source = TestSources.Empty(1u);
        using Arena<uint> arena = new("limited", 1, new ArenaOptions<uint> { Source = source, Limit = 100 });
        ValueTask<uint> large = arena.AllocateAsync(60);
        arena.AddSpan(0, 50);
        ArenaExhaustedException failure = Assert.IsType<ArenaExhaustedException>(large.AsTask().Exception!.InnerException);
        Assert.Equal((UInt128)60, failure.Requested);
        Assert.True(arena.AllocateAsync(50).IsCompletedSuccessfully);
    }

    private static void AssertImpossible(Arena<uint> arena, uint size, RangeConstraints<uint> constraints)
    {
        ArenaStatistics<uint> before = arena.GetStatistics();
        Assert.Throws<ArgumentException>(() => { _ = arena.AllocateAsync(size, constraints, FitPolicy.BestFit); });
        Assert.Throws<ArgumentException>(() => arena.TryAllocateConstrained(size, constraints, FitPolicy.InstantFit, s_second, out _));
        Assert.False(arena.TryAllocateConstrained(size, constraints, FitPolicy.InstantFit, TimeSpan.Zero, out _));
        Assert.Equal((before.Failures + 1, before.Waits), (arena.GetStatistics().Failures, arena.GetStatistics().Waits));
        arena.Validate();
    }

    /// <summary>Those at the head counted on the span. It is not removed yet, so nothing is freed that would serve the queue.</summary>
    [Fact]
    public void Who_stands_behind_those_who_fail_is_served()
    {
        using Arena<uint> arena = new("shrinking", 0, 100, 1);
        arena.AddSpan(1_000, 200);
        Assert.True(arena.TryAllocateAt(1_000, 100));
        ValueTask<uint>[] doomed = [arena.AllocateAsync(150), arena.AllocateAsync(160)];
        ValueTask<uint> behind = arena.AllocateAsync(50);
        Assert.True(arena.TryDrainSpan(1_000));
        Assert.All(doomed, static wait => Assert.IsType<ArenaExhaustedException>(wait.AsTask().Exception?.InnerException));
        Assert.True(behind.IsCompletedSuccessfully);
        arena.Validate();
    }
}
