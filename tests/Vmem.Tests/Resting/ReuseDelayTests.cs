using Vmem.Checks;
using Vmem.Testing.Driving;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Resting;

/// <summary>Arenas in which every free rests; rests that are cut short; rests in snapshots; clocks that do what clocks do; and no
/// memory.</summary>
public class ReuseDelayTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();

    private Arena<ulong> Make(ArenaOptions<ulong> options) => new("rests", 0, 100, 1, options with { TimeProvider = _time });

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void Whatever_is_freed_rests(bool audit, bool singleThreaded)
    {
        using Arena<ulong> arena =
            Make(new() { ReuseDelay = s_second, Audit = audit, SingleThreaded = singleThreaded, QuantumCacheMax = 8 });
        ulong[] starts = [.. Enumerable.Range(0, 6).Select(_ => arena.Allocate(5))];
        arena.TryAllocateHandle(5, out RangeHandle<ulong> handle);
        ulong constrained = arena.AllocateConstrained(5, new() { Min = 50 });
        arena.Free(starts[0], 5);
        arena.FreeMany([starts[1], starts[2]], 5);
        arena.Free(handle);
        arena.FreeConstrained(constrained, 5);
        Assert.True(arena.TryExtend(starts[3], 5, 2));
        Assert.Equal(28ul, arena.GetStatistics().Resting);
        arena.Validate();
        _time.Advance(s_second);
        ArenaStatistics<ulong> figures = arena.GetStatistics();
        Assert.Equal((0ul, 12ul, 3L), (figures.Resting, figures.InUse, figures.LiveSegments));
        arena.Validate();
    }

    [Fact]
    public void An_end_that_is_named_is_the_one_that_counts()
    {
        using Arena<ulong> arena = Make(new() { ReuseDelay = s_second });
        arena.FreeAfter(arena.Allocate(10), 10, TimeSpan.Zero);
        arena.FreeAt(arena.Allocate(10), 10, 1);
        arena.CompleteFence(1);
        Assert.Equal(0ul, arena.GetStatistics().Resting);
    }

    [Fact]
    public void A_wrong_batch_rests_nothing()
    {
        using Arena<ulong> arena = Make(new() { ReuseDelay = s_second });
        arena.Free(arena.Allocate(10), 10);
        _time.Advance(s_second);
        ulong start = arena.Allocate(10);
        string before = ArenaPicture.Of(arena);
        Assert.Throws<InvalidFreeException>(() => arena.FreeMany([start, start], 10));
        Assert.Equal(before, ArenaPicture.Of(arena));
        arena.Free(start, 10);
        _time.Advance(s_second);
        arena.Validate();
    }

    [Fact]
    public void Without_the_option_nothing_cuts_a_rest_short()
    {
        using Arena<ulong> arena = Make(new());
        arena.FreeAfter(arena.Allocate(100), 100, s_second);
        Assert.False(arena.TryAllocate(1, out _));
        Assert.Equal(100ul, arena.GetStatistics().Resting);
    }

    [Fact]
    public void Rests_are_cut_short_oldest_first_and_no_more_than_it_takes()
    {
        using Arena<ulong> arena = Make(new() { CutRestsShort = true });
        ulong[] starts = [.. Enumerable.Range(0, 10).Select(_ => arena.Allocate(10))];
        foreach (int i in (int[])[4, 8, 5, 1, 2])
        {
            arena.FreeAfter(starts[i], 10, s_second);
        }

        arena.FreeAt(starts[0], 10, 1);
        Assert.Equal(starts[4], arena.Allocate(10));
        Assert.Equal(40ul + 10, arena.GetStatistics().Resting);
        Assert.False(arena.TryAllocate(61, out _));
        Assert.Equal(40ul + 10, arena.GetStatistics().Resting);                   // it could not have helped
        Assert.Equal(starts[1], arena.Allocate(20));
        Assert.False(arena.TryAllocate(21, out _));
        Assert.Equal(10ul, arena.GetStatistics().Resting);                        // a fence is not cut short
        arena.Validate();
    }

    [Fact]
    public void Who_waits_cuts_rests_short_also_those_that_would_begin()
    {
        using Arena<ulong> arena = Make(new() { CutRestsShort = true, ReuseDelay = s_second });
        ulong first = arena.Allocate(50);
        ulong second = arena.Allocate(50);
        arena.Free(first, 50);
        Task<ulong> waits = arena.AllocateAsync(100, TestContext.Current.CancellationToken).AsTask();
        Assert.False(waits.IsCompleted);
        arena.Free(second, 50);
        Assert.True(waits.IsCompletedSuccessfully);
    }

    /// <summary>The source's own room, too, if a rest that was cut short kept a span from it.</summary>
    [Fact]
    public void A_span_that_a_cut_gives_back_can_be_imported_again()
    {
        using Arena<ulong> ground = new("ground", 0, 100, 1);
        using Arena<ulong> arena = new("rests", 1, new ArenaOptions<ulong> { Source = ground, TimeProvider = _time, CutRestsShort = true });
        ulong first = arena.Allocate(50);
        ulong second = arena.Allocate(50);
        arena.FreeAfter(first, 50, s_second);
        arena.FreeAfter(second, 50, s_second);
        Assert.True(arena.TryAllocate(100, out _));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_snapshot_has_what_rests_and_for_how_long(bool asText)
    {
        using Arena<ulong> arena = Make(new());
        ulong[] starts = [.. Enumerable.Range(0, 10).Select(_ => arena.Allocate(10))];
        arena.FreeAfter(starts[1], 10, 3 * s_second);
        arena.FreeAfter(starts[2], 10, s_second);
        arena.FreeAt(starts[4], 10, 7);
        arena.FreeAt(starts[9], 10, 5);
        arena.CompleteFence(3);
        arena.Free(starts[7], 10);
        _time.Advance(s_second / 2);
        ArenaSnapshot<ulong> snapshot = arena.Snapshot();
        snapshot = asText ? ArenaSnapshot<ulong>.FromJson(snapshot.ToJson()) : snapshot;
        Assert.Equal([new(20, 10, s_second / 2, null), new(10, 10, 2.5 * s_second, null), new(90, 10, default, 5), new(40, 10, default, 7)],
            snapshot.Resting);
        _time.Advance(TimeSpan.FromDays(1));
        using var restored = Arena<ulong>.Restore(snapshot, new ArenaOptions<ulong> { TimeProvider = _time });
        restored.Validate();
        Assert.Equal("{0+100: 0+10 [10+10] [20+10] 30+10 [40+10] 50+10 60+10 (70+10) 80+10 [90+10]}", ArenaPicture.Segments(restored));
        _time.Advance(s_second / 2);
        Assert.Equal(30ul, restored.GetStatistics().Resting);
        _time.Advance(2 * s_second);
        restored.CompleteFence(5);
        Assert.Equal("{0+100: 0+10 (10+20) 30+10 [40+10] 50+10 60+10 (70+10) 80+10 (90+10)}", ArenaPicture.Segments(restored));
        ulong start = restored.Allocate(10);
        restored.FreeAt(start, 10, 3);
        Assert.Equal(10ul, restored.GetStatistics().Resting);
        restored.Validate();
    }

    [Fact]
    public void A_snapshot_from_before_rests_still_loads()
    {
        using var arena = Arena<ulong>.Restore(ArenaSnapshot<ulong>.FromJson(
            """{"vmemSnapshot":1,"type":"UInt64","name":"old","quantum":"16","policy":"InstantFit","spans":[{"start":"0","size":"1024","imported":false,"allocated":[["0","64"]]}]}"""));
        Assert.Equal("{0+1024: 0+64 (64+960)}", ArenaPicture.Segments(arena));
    }

    [Theory]
    [InlineData("""["0","16","years","1"]""")]
    [InlineData("""["0","16","ticks","x"]""")]
    [InlineData("""["0","16","fence"]""")]
    public void A_rest_that_is_none_is_refused(string rest)
    {
        string json = $$"""{"vmemSnapshot":1,"type":"UInt64","name":"a","quantum":"16","policy":"InstantFit","spans":[{"start":"0","size":"1024","allocated":[]}],"resting":[{{rest}}]}""";
        Assert.Throws<FormatException>(() => ArenaSnapshot<ulong>.FromJson(json));
    }

    [Theory]
    [InlineData("""["1024","16","fence","1"]""")]
    [InlineData("""["8","16","fence","1"]""")]
    [InlineData("""["0","16","fence","1"],["0","16","fence","1"]""")]
    [InlineData("""["1008","32","fence","1"]""")]
    public void A_rest_that_contradicts_its_span_is_refused(string rest)
    {
        string json = $$"""{"vmemSnapshot":1,"type":"UInt64","name":"a","quantum":"16","policy":"InstantFit","spans":[{"start":"0","size":"1024","allocated":[]}],"resting":[{{rest}}]}""";
        Assert.Throws<FormatException>(() => Arena<ulong>.Restore(ArenaSnapshot<ulong>.FromJson(json)));
    }

    [Theory]
    [InlineData(long.MaxValue - 5)]
    [InlineData(-5L)]
    [InlineData(long.MinValue)]
    public void A_count_of_ticks_may_wrap_around(long beginning)
    {
        CountingTime time = new() { Count = beginning };
        using Arena<ulong> arena = new("wraps", 0, 100, 1, new ArenaOptions<ulong> { TimeProvider = time, SingleThreaded = true });
        arena.FreeAfter(arena.Allocate(50), 50, TimeSpan.FromTicks(10));
        time.Count += 9;
        Assert.Equal(50ul, arena.GetStatistics().Resting);
        time.Count++;
        Assert.Equal(0ul, arena.GetStatistics().Resting);
    }

    [Fact]
    public void A_clock_may_jump()
    {
        CountingTime time = new() { Count = 1_000 };
        using Arena<ulong> arena = new("jumps", 0, 100, 1, new ArenaOptions<ulong> { TimeProvider = time, SingleThreaded = true });
        arena.FreeAfter(arena.Allocate(10), 10, TimeSpan.FromTicks(100));
        time.Count = 0;
        arena.FreeAfter(arena.Allocate(20), 20, TimeSpan.FromTicks(50));
        Assert.Equal(30ul, arena.GetStatistics().Resting);
        arena.Validate();
        time.Count = 1_050;
        Assert.Equal(10ul, arena.GetStatistics().Resting);
        time.Count = long.MaxValue;
        Assert.Equal(0ul, arena.GetStatistics().Resting);
        arena.FreeAfter(arena.Allocate(20), 20, TimeSpan.MaxValue);
        arena.Validate();
    }

    [Fact]
    public void A_long_rest_takes_several_settings_of_the_timer()
    {
        using Arena<ulong> arena = Make(new());
        arena.FreeAfter(arena.Allocate(100), 100, TimeSpan.FromDays(100));
        Task<ulong> waits = arena.AllocateAsync(1, TestContext.Current.CancellationToken).AsTask();
        _time.Advance(TimeSpan.FromDays(99));
        Assert.Equal((1, false), (_time.Timers, waits.IsCompleted));
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Equal((0, true), (_time.Timers, waits.IsCompleted));
    }

    /// <summary>A free that cannot be noted changes nothing, and what is noted ends without memory.</summary>
    [Fact]
    public void Without_memory_a_rest_does_not_begin_and_nothing_changes()
    {
        using Arena<ulong> arena = new("rests", 0, 10_000, 1, new ArenaOptions<ulong> { TimeProvider = _time });
        ulong[] starts = [.. Enumerable.Range(0, 2_000).Select(_ => arena.Allocate(2))];
        int refused = 0;
        foreach (ulong start in starts)
        {
            TimeSpan delay = TimeSpan.FromSeconds(start * 7 % 1_000);
            using (GrowthFault.Inject(static () => true))
            {
                try
                {
                    arena.FreeAfter(start, 2, delay);
                    continue;
                }
                catch (OutOfMemoryException)
                {
                    refused++;
                }
            }

            arena.FreeAfter(start, 2, delay);
        }

        Assert.InRange(refused, 2, 200);
        arena.Validate();
        using (GrowthFault.Inject(static () => true))
        {
            _time.Advance(TimeSpan.FromSeconds(1_000));
        }

        Assert.Equal("{0+10000: (0+10000)}", ArenaPicture.Segments(arena));
    }

    [Fact]
    public void A_batch_that_cannot_be_noted_changes_nothing()
    {
        using Arena<ulong> arena = new("rests", 0, 10_000, 1, new ArenaOptions<ulong> { TimeProvider = _time, ReuseDelay = s_second });
        ulong[] starts = [.. Enumerable.Range(0, 2_000).Select(_ => arena.Allocate(2))];
        string before = ArenaPicture.Of(arena);
        using (GrowthFault.Inject(static () => true))
        {
            Assert.ThrowsAny<OutOfMemoryException>(() => arena.FreeMany(starts, 2));
        }

        Assert.Equal(before, ArenaPicture.Of(arena));
        arena.FreeMany(starts, 2);
        Assert.Equal(4_000ul, arena.GetStatistics().Resting);
        arena.Validate();
    }

    /// <summary>Tags that were moved while their segments rested are found again.</summary>
    [Fact]
    public void What_rests_is_found_after_the_tables_were_trimmed()
    {
        using Arena<ulong> arena = new("rests", 0, 200_000, 1, new ArenaOptions<ulong> { TimeProvider = _time });
        ulong[] starts = [.. Enumerable.Range(0, 60_000).Select(_ => arena.Allocate(2))];
        for (int i = 0; i < starts.Length; i++)
        {
            if (i % 500 == 0)
            {
                arena.FreeAfter(starts[i], 2, TimeSpan.FromSeconds(1 + (i % 7)));
            }
            else
            {
                arena.Free(starts[i], 2);
            }
        }

        arena.Reap();
        arena.Validate();
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("{0+200000: (0+200000)}", ArenaPicture.Segments(arena));
    }

    private sealed class CountingTime : TimeProvider
    {
        public long Count { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Count;
    }
}
