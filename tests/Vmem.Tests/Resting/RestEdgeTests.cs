using Vmem.Checks;
using Vmem.Testing.Sources;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Resting;

/// <summary>Rests that are just long enough, or just not; ranges of the largest cached size; audited rests.</summary>
public sealed class RestEdgeTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();

    private Arena<uint> Make(ArenaOptions<uint> options) => new("rests", 0, 100, 1, options with { TimeProvider = _time });

    [Theory]
    [InlineData(8u)]
    [InlineData(9u)]
    public void A_range_of_the_largest_cached_size_rests_and_so_does_one_above(uint size)
    {
        using Arena<uint> arena = Make(new() { QuantumCacheMax = 8 });
        uint start = arena.Allocate(size);
        arena.FreeAfter(start, size, s_second);
        Assert.Equal(size, arena.GetStatistics().Resting);
        arena.Validate();
        _time.Advance(s_second);
        Assert.Equal(0u, arena.GetStatistics().Resting);
        arena.Validate();
    }

    /// <summary>20 are free, and two times 20 rest behind them.</summary>
    [Theory]
    [InlineData(60u, 0u)]
    [InlineData(61u, 40u)]
    [InlineData(40u, 20u)]
    [InlineData(20u, 40u)]
    public void Rests_are_cut_short_where_all_of_them_are_just_enough(uint size, uint left)
    {
        using Arena<uint> arena = Make(new() { CutRestsShort = true });
        uint[] starts = [.. Enumerable.Range(0, 5).Select(_ => arena.Allocate(20))];
        arena.FreeAfter(starts[3], 20, s_second);
        arena.FreeAfter(starts[4], 20, s_second);
        arena.Free(starts[2], 20);
        Assert.Equal(size <= 60, arena.TryAllocate(size, out _));
        Assert.Equal(left, arena.GetStatistics().Resting);
        arena.Validate();
    }

    /// <summary>Together they would be enough, and no span is so long.</summary>
    [Fact]
    public void No_rest_is_cut_short_for_what_is_longer_than_any_span()
    {
        using Arena<uint> arena = Make(new() { CutRestsShort = true });
        arena.AddSpan(200, 50);
        uint all = arena.Allocate(100);
        uint half = arena.Allocate(50);
        arena.FreeAfter(all, 100, s_second);
        arena.FreeAfter(half, 50, s_second);
        Assert.False(arena.TryAllocate(101, out _));
        Assert.Equal(150u, arena.GetStatistics().Resting);
        Assert.True(arena.TryAllocate(100, out _));
        Assert.Equal(50u, arena.GetStatistics().Resting);
    }

    /// <summary>What a cut gives back to the source may be part of what that can give then.</summary>
    [Fact]
    public void In_an_arena_with_a_source_rests_are_cut_short_whatever_they_are_together()
    {
        using Arena<uint> ground = new("ground", 0, 100, 1);
        using Arena<uint> arena = new("rests", 1, new ArenaOptions<uint> { Source = ground, TimeProvider = _time, CutRestsShort = true });
        arena.FreeAfter(arena.Allocate(30), 30, s_second);
        Assert.True(arena.TryAllocate(90, out _));
        Assert.Equal((0u, 90u), (arena.GetStatistics().Resting, ground.GetStatistics().InUse));
    }

    [Fact]
    public void A_rest_may_be_as_long_as_nothing_and_not_less()
    {
        using Arena<uint> arena = Make(new());
        arena.FreeAfter(arena.Allocate(10), 10, TimeSpan.Zero);
        arena.CompleteFence(1);
        Assert.Equal((0u, 0), (arena.GetStatistics().Resting, _time.TimersMade));
        arena.FreeAfter(arena.Allocate(10), 10, TimeSpan.FromTicks(1));
        Assert.Equal(10u, arena.GetStatistics().Resting);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(0u, arena.GetStatistics().Resting);
    }

    /// <summary>What was allocated with constraints is not freed with <c>Free</c>, also where that only begins a rest.</summary>
    [Fact]
    public void The_wrong_call_begins_no_rest_in_an_audited_arena()
    {
        using Arena<uint> arena = Make(new() { Audit = true, ReuseDelay = s_second });
        uint start = arena.AllocateConstrained(10, new() { Align = 16 });
        Assert.Equal(InvalidFreeReason.WrongCall, Assert.Throws<InvalidFreeException>(() => arena.Free(start, 10)).Reason);
        Assert.Equal((0u, 10u), (arena.GetStatistics().Resting, arena.GetStatistics().InUse));
        arena.FreeConstrained(start, 10);
        Assert.Equal(10u, arena.GetStatistics().Resting);
        Assert.Empty(arena.GetAuditReport().Groups);
        arena.Validate();
    }

    /// <summary>A handle's place is approached in steps before the rest begins; then the rest itself, and two looks at the timer.</summary>
    [Fact]
    public void An_audited_rest_of_a_handle_enters_the_lock_once_more()
    {
        Assert.Equal(Entries(audit: false) + 1, Entries(audit: true));

        long Entries(bool audit)
        {
            using Arena<uint> arena = Make(new() { Audit = audit });
            Assert.True(arena.TryAllocateHandle(5, out RangeHandle<uint> handle));
            _ = StepCounter.TakeShared();
            arena.FreeAfter(handle, s_second);
            return StepCounter.TakeShared();
        }
    }

    [Fact]
    public void A_rest_of_a_handle_sets_the_timer_and_who_waits_for_all_of_them_stops_it()
    {
        using Arena<uint> arena = Make(new() { CutRestsShort = true });
        Assert.True(arena.TryAllocateHandle(50, out RangeHandle<uint> handle));
        uint held = arena.Allocate(50);
        arena.FreeAfter(handle, s_second);
        Assert.Equal(1, _time.Timers);
        Task<uint> waits = arena.AllocateAsync(100, TestContext.Current.CancellationToken).AsTask();
        Assert.Equal((0u, 0), (arena.GetStatistics().Resting, _time.Timers));
        arena.Free(held, 50);
        Assert.True(waits.IsCompletedSuccessfully);
    }

    /// <summary>Where no rest is cut short the source is asked once, as ever.</summary>
    [Fact]
    public void A_source_is_not_asked_again_where_nothing_rests()
    {
        ScriptedSource<uint> source = TestSources.Empty(64u);
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = source, CutRestsShort = true });
        Assert.False(arena.TryAllocate(64, out _));
        _ = Assert.Single(source.Requests);
    }

    [Fact]
    public void Whoever_completes_a_fence_hears_what_the_source_says_to_a_span()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 0u);
        ArenaOptions<uint> options = new() { Source = source, RetainedImport = ArenaOptions<uint>.RetainNone };
        using Arena<uint> arena = new("child", 1, options);
        arena.FreeAt(arena.Allocate(10), 10, fence: 1);
        source.OnRelease = static (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        Assert.Throws<TimeZoneNotFoundException>(() => arena.CompleteFence(1));
        source.OnRelease = null;
        Assert.Equal((0u, 0u), (arena.GetStatistics().Resting, arena.GetStatistics().TotalSize));
    }

    /// <summary>Sixty-four under each lock, and one more lock to see that nothing is left.</summary>
    [Fact]
    public void Others_have_their_turn_while_many_rests_end()
    {
        using Arena<uint> arena = new("rests", 0, 640, 1);
        for (uint start = 0; start < 640; start++)
        {
            arena.FreeAt(arena.Allocate(1), 1, start + 1);
        }

        Assert.Equal(640u, arena.GetStatistics().Resting);
        _ = StepCounter.TakeShared();
        arena.CompleteFence(640);
        Assert.InRange(StepCounter.TakeShared(), 10, 15);
        Assert.Equal(640u, arena.GetStatistics().Free);
    }

    /// <summary>What nobody has had is free at once, whatever is freed otherwise.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void The_place_of_a_move_that_is_given_up_does_not_rest(int seconds)
    {
        using Arena<uint> arena = Make(new() { ReuseDelay = TimeSpan.FromSeconds(seconds) });
        RangeMove<uint> move = new(arena.Allocate(10), 50, 10);
        Assert.True(arena.BeginMove(move));
        Assert.Equal(20u, arena.GetStatistics().InUse);
        arena.AbandonMove(move);
        Assert.Equal((10u, 0u), (arena.GetStatistics().InUse, arena.GetStatistics().Resting));
        arena.Validate();
    }

    /// <summary>A hundred rests end under more than one lock, by time, by fence and for whoever needs them.</summary>
    [Theory]
    [InlineData("time")]
    [InlineData("fence")]
    [InlineData("need")]
    public void Many_rests_end_together(string why)
    {
        using Arena<uint> arena = Make(new() { CutRestsShort = why == "need" });
        for (uint start = 0; start < 100; start++)
        {
            Assert.Equal(start, arena.Allocate(1));
        }

        for (uint start = 0; start < 100; start++)
        {
            if (why == "fence")
            {
                arena.FreeAt(start, 1, start);
            }
            else
            {
                arena.FreeAfter(start, 1, s_second);
            }
        }

        switch (why)
        {
            case "time":
                _time.Advance(s_second);
                break;
            case "fence":
                arena.CompleteFence(99);
                break;
            default:
                Assert.True(arena.TryAllocate(100, out _));
                break;
        }

        Assert.Equal((0u, 0), (arena.GetStatistics().Resting, _time.Timers));
        arena.Validate();
    }
}
