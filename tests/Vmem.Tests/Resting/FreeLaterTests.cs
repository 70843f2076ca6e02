using Vmem.Testing.Driving;
using Vmem.Testing.Internals;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Resting;

/// <summary>What FreeAfter, FreeAt and CompleteFence promise.</summary>
public class FreeLaterTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();

    private Arena<ulong> Make(ulong size = 100, ArenaOptions<ulong>? options = null) =>
        new("rests", 0, size, 1, (options ?? new ArenaOptions<ulong>()) with { TimeProvider = _time });

    [Fact]
    public void What_rests_is_neither_free_nor_in_use()
    {
        using Arena<ulong> arena = Make();
        ulong first = arena.Allocate(40);
        ulong second = arena.Allocate(60);
        arena.FreeAfter(first, 40, s_second);
        Assert.Equal("{0+100: [0+40] 40+60}", ArenaPicture.Segments(arena));
        ArenaStatistics<ulong> figures = arena.GetStatistics();
        Assert.Equal((60ul, 40ul, 0ul), (figures.InUse, figures.Resting, figures.Free));
        Assert.Equal(figures.TotalSize, figures.InUse + figures.Cached + figures.Resting + figures.Free);
        Assert.Equal((1L, 1L, 0L), (figures.LiveSegments, figures.Frees, figures.FreeSegments));
        Assert.True(arena.TryGetSegment(39, out Segment<ulong> there));
        Assert.Equal(new Segment<ulong>(0, 40, SegmentKind.Resting), there);
        Assert.False(arena.TryAllocate(1, out _));
        arena.Validate();
        _time.Advance(s_second);
        Assert.Equal("{0+100: (0+40) 40+60}", ArenaPicture.Segments(arena));
        Assert.Equal(0ul, arena.Allocate(40));
        arena.Free(second, 60);
        arena.Validate();
    }

    [Fact]
    public void A_dump_says_what_rests()
    {
        using Arena<ulong> arena = Make();
        arena.FreeAfter(arena.Allocate(100), 100, s_second);
        using StringWriter text = new();
        arena.Dump(text);
        Assert.Contains("resting 100, free 0", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("  resting", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Rests_end_oldest_first_whatever_their_order_of_coming()
    {
        using Arena<ulong> arena = Make(4);
        ulong[] ids = [arena.Allocate(1), arena.Allocate(1), arena.Allocate(1), arena.Allocate(1)];
        arena.FreeAfter(ids[0], 1, 4 * s_second);
        arena.FreeAfter(ids[1], 1, 2 * s_second);
        arena.FreeAfter(ids[2], 1, 3 * s_second);
        arena.FreeAfter(ids[3], 1, 2 * s_second);
        List<ulong> got = [];
        for (int i = 0; i < 5; i++)
        {
            while (arena.TryAllocate(1, FitPolicy.FirstFit, out ulong id))
            {
                got.Add(id);
            }

            _time.Advance(s_second);
        }

        Assert.Equal([ids[1], ids[3], ids[2], ids[0]], got);
    }

    [Fact]
    public void A_waiter_waits_for_the_rest_and_no_longer()
    {
        using Arena<ulong> arena = Make();
        arena.FreeAfter(arena.Allocate(100), 100, s_second);
        Task<ulong> waits = arena.AllocateAsync(100, TestContext.Current.CancellationToken).AsTask();
        _time.Advance(s_second - TimeSpan.FromMilliseconds(1));
        Assert.False(waits.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(waits.IsCompletedSuccessfully);
    }

    [Fact]
    public void An_arena_has_one_timer_and_it_is_set_only_while_something_rests_for_a_time()
    {
        using Arena<ulong> arena = Make();
        Assert.Equal(0, _time.TimersMade);
        arena.FreeAt(arena.Allocate(1), 1, 5);
        Assert.Equal(0, _time.TimersMade);
        for (int round = 0; round < 3; round++)
        {
            arena.FreeAfter(arena.Allocate(1), 1, s_second);
            arena.FreeAfter(arena.Allocate(1), 1, 3 * s_second);
            arena.FreeAfter(arena.Allocate(1), 1, 2 * s_second);
            Assert.Equal((1, 1), (_time.Timers, _time.TimersMade));
            _time.Advance(3 * s_second);
            Assert.Equal((0, 1), (_time.Timers, _time.TimersMade));
        }
    }

    [Fact]
    public void Completing_a_fence_frees_it_and_all_below()
    {
        using Arena<ulong> arena = Make(5);
        ulong[] ids = [.. Enumerable.Range(0, 5).Select(_ => arena.Allocate(1))];
        arena.FreeAt(ids[0], 1, 7);
        arena.FreeAt(ids[1], 1, 3);
        arena.FreeAt(ids[2], 1, 5);
        arena.FreeAt(ids[3], 1, ulong.MaxValue);
        arena.FreeAt(ids[4], 1, 0);
        _time.Advance(TimeSpan.FromDays(1_000));
        Assert.Equal(5ul, arena.GetStatistics().Resting);
        arena.CompleteFence(5);
        Assert.Equal("{0+5: [0+1] (1+2) [3+1] (4+1)}", ArenaPicture.Segments(arena));
        arena.CompleteFence(2);
        ulong again = arena.Allocate(1);
        arena.FreeAt(again, 1, 4);
        Assert.Equal(2ul, arena.GetStatistics().Resting);
        arena.CompleteFence(ulong.MaxValue);
        Assert.Equal("{0+5: (0+5)}", ArenaPicture.Segments(arena));
    }

    [Fact]
    public void A_fence_serves_who_waits()
    {
        using Arena<ulong> arena = Make();
        arena.FreeAt(arena.Allocate(100), 100, 1);
        Task<ulong> waits = arena.AllocateAsync(100, TestContext.Current.CancellationToken).AsTask();
        Assert.False(waits.IsCompleted);
        arena.CompleteFence(1);
        Assert.True(waits.IsCompletedSuccessfully);
    }

    [Fact]
    public void No_delay_is_a_free_and_a_bad_one_changes_nothing()
    {
        using Arena<ulong> arena = Make();
        arena.FreeAt(arena.Allocate(1), 1, 0);
        arena.FreeAfter(arena.Allocate(1), 1, s_second);
        _time.Advance(s_second);
        arena.CompleteFence(0);
        ulong start = arena.Allocate(100);
        string before = ArenaPicture.Of(arena);
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.FreeAfter(start, 100, TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.FreeAfter(start, 100, Timeout.InfiniteTimeSpan));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.FreeAfter(start, 0, s_second));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.FreeAt(start, 0, 1));
        Assert.Throws<InvalidFreeException>(() => arena.FreeAfter(start, 99, s_second));
        Assert.Throws<InvalidFreeException>(() => arena.FreeAt(start + 1, 100, 1));
        Assert.Equal(before, ArenaPicture.Of(arena));
        Assert.Throws<ArgumentOutOfRangeException>(() => Make(options: new() { ReuseDelay = TimeSpan.FromTicks(-1) }));
        arena.FreeAfter(start, 100, TimeSpan.Zero);
        Assert.Equal("{0+100: (0+100)}", ArenaPicture.Segments(arena));
        Assert.Equal(0, _time.Timers);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_rests_cannot_be_freed_again(bool audit)
    {
        using Arena<ulong> arena = Make(options: new() { Audit = audit });
        arena.TryAllocateHandle(10, out RangeHandle<ulong> handle);
        ulong start = arena.AllocateConstrained(20, new() { Min = 50 });
        arena.FreeAfter(handle, s_second);
        arena.FreeAt(start, 20, 1);
        string before = ArenaPicture.Of(arena);
        foreach (Action call in (Action[])[
            () => arena.Free(start, 20), () => arena.FreeAfter(start, 20, s_second), () => arena.FreeAt(start, 20, 1),
            () => arena.FreeConstrained(start, 20), () => arena.TryExtend(start, 20, 10), () => arena.FreeMany([start], 20),
            () => arena.Free(start + 1, 5)])
        {
            InvalidFreeException e = Assert.Throws<InvalidFreeException>(call);
            Assert.Equal(InvalidFreeReason.AlreadyFree, e.Reason);
            Assert.Contains("rests", e.Message, StringComparison.Ordinal);
        }

        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.Free(handle)).Reason);
        Assert.Equal(InvalidFreeReason.AlreadyFree, Assert.Throws<InvalidFreeException>(() => arena.FreeAfter(handle, s_second)).Reason);
        Assert.Equal(before, ArenaPicture.Of(arena));
        arena.Validate();
    }

    [Fact]
    public void What_rests_is_no_leak_and_its_timer_goes_with_the_arena()
    {
        int leaks = 0;
        Arena<ulong> arena = Make(options: new() { Leaked = _ => leaks++ });
        arena.FreeAfter(arena.Allocate(10), 10, s_second);
        arena.FreeAt(arena.Allocate(10), 10, 1);
        arena.Dispose();
        Assert.Equal((0, 0), (leaks, _time.Timers));
        Assert.Throws<ObjectDisposedException>(() => arena.CompleteFence(1));
        Assert.Throws<ObjectDisposedException>(() => arena.FreeAfter(0, 10, s_second));
        _time.Advance(s_second);
    }

    [Fact]
    public void A_span_stays_while_anything_of_it_rests()
    {
        using Arena<ulong> arena = Make();
        arena.FreeAfter(arena.Allocate(10), 10, s_second);
        Assert.False(arena.TryRemoveSpan(0, 100));
        _time.Advance(s_second);
        Assert.True(arena.TryRemoveSpan(0, 100));
    }

    [Fact]
    public void An_import_goes_back_when_the_last_rest_in_it_has_ended_and_not_before()
    {
        using Arena<ulong> ground = new("ground", 0, 1_000, 1);
        using Arena<ulong> arena = new("rests", 1, new ArenaOptions<ulong> { Source = ground, TimeProvider = _time });
        ulong kept = arena.Allocate(100);
        ulong start = arena.Allocate(200);
        arena.Free(kept, 100);
        arena.FreeAfter(start, 200, s_second);
        arena.Reap();
        Assert.Equal(200ul, ground.GetStatistics().InUse);
        _time.Advance(s_second);
        arena.Reap();
        Assert.Equal(0ul, ground.GetStatistics().InUse);
    }

    [Fact]
    public void A_source_that_throws_when_a_rest_ends_keeps_no_other_from_ending()
    {
        ThrowingSource source = new();
        using Arena<ulong> arena = new("rests", 1, new ArenaOptions<ulong> { Source = source, TimeProvider = _time });
        ulong[] starts = [arena.Allocate(100), arena.Allocate(100), arena.Allocate(100)];
        foreach (ulong start in starts)
        {
            arena.FreeAfter(start, 100, s_second);
        }

        source.Throws = true;
        _time.Advance(s_second);
        source.Throws = false;
        ArenaStatistics<ulong> figures = arena.GetStatistics();
        Assert.Equal((0ul, 0ul), (figures.Resting, figures.InUse));
        arena.Validate();
    }

    [Fact]
    public void A_range_of_a_cached_size_rests_and_one_that_is_free_does_not()
    {
        using Arena<ulong> arena = Make(1_000, new() { QuantumCacheMax = 8 });
        ulong[] starts = [.. Enumerable.Range(0, 20).Select(_ => arena.Allocate(4))];
        arena.FreeAfter(starts[7], 4, s_second);
        arena.Validate();
        Assert.True(arena.TryGetSegment(starts[7], out Segment<ulong> there));
        Assert.Equal(SegmentKind.Resting, there.Kind);
        Assert.Equal(4ul, arena.GetStatistics().Resting);
        arena.Free(starts[3], 4);
        Assert.Throws<InvalidFreeException>(() => arena.FreeAfter(starts[3], 4, s_second));
        Assert.Throws<InvalidFreeException>(() => arena.FreeAfter(starts[7], 4, s_second));
        _time.Advance(s_second);
        Assert.Equal(0ul, arena.GetStatistics().Resting);
        arena.FreeMany([.. starts.Where((_, i) => i is not (3 or 7))], 4);
        arena.Reap();
        Assert.Equal("{0+1000: (0+1000)}", ArenaPicture.Segments(arena));
        arena.Validate();
    }

    [Fact]
    public void An_arena_of_one_thread_has_no_timer_and_rests_end_when_it_is_called()
    {
        using Arena<ulong> arena = Make(options: new() { SingleThreaded = true });
        arena.FreeAfter(arena.Allocate(100), 100, s_second);
        Assert.Equal(0, _time.TimersMade);
        _time.Advance(s_second);
        Assert.True(arena.TryAllocate(100, out ulong start));
        arena.FreeAfter(start, 100, s_second);
        _time.Advance(s_second);
        Assert.Equal(100ul, arena.GetStatistics().Free);
        arena.FreeAfter(arena.Allocate(100), 100, s_second);
        ValueTask<ulong> waits = arena.AllocateAsync(1, TestContext.Current.CancellationToken);
        _time.Advance(s_second);
        arena.RetryWaiters();
        Assert.True(waits.IsCompletedSuccessfully);
    }

    /// <summary>A timer that fires ends some rests under one lock, and then lets others in: whoever looks in between sees some.</summary>
    [Fact]
    public void Rests_end_in_steps_between_which_others_come()
    {
        ThrowingSource source = new();
        using Arena<ulong> arena = new("rests", 1, new ArenaOptions<ulong> { Source = source, TimeProvider = _time, RetainedImport = 1 });
        ulong[] starts = [.. Enumerable.Range(0, 500).Select(_ => arena.Allocate(10))];
        foreach (ulong start in starts)
        {
            arena.FreeAfter(start, 10, s_second);
        }

        HashSet<ulong> seen = [];
        source.Released = () => seen.Add(arena.GetStatistics().Resting);
        _time.Advance(s_second);
        Assert.True(seen.Count > 100, $"Others came {seen.Count} times.");
        Assert.Equal(0ul, arena.GetStatistics().Resting);
    }

    [Fact]
    public void A_recording_has_the_free_when_the_caller_makes_it()
    {
        using MemoryStream stream = new();
        using Arena<ulong> arena = Make();
        using (arena.Record(stream))
        {
            arena.FreeAfter(arena.Allocate(10), 10, s_second);
            arena.FreeAt(arena.Allocate(20), 20, 1);
        }

        _time.Advance(s_second);
        arena.CompleteFence(1);
        string[] lines = System.Text.Encoding.UTF8.GetString(stream.ToArray()).Split('\n');
        Assert.Equal(2, lines.Count(static line => line.StartsWith("f ", StringComparison.Ordinal)));
    }

    [Fact]
    public void No_call_makes_garbage()
    {
        using Arena<ulong> arena = new("clean", 0, 1 << 20, 16);
        ulong fence = 0;
        Assert.Equal(0, Garbage.Of(1_000, () =>
        {
            arena.FreeAfter(arena.Allocate(100), 100, TimeSpan.FromDays(1));
            arena.TryAllocateHandle(100, out RangeHandle<ulong> handle);
            arena.FreeAfter(handle, TimeSpan.FromHours(1));
            arena.FreeAt(arena.Allocate(50), 50, ++fence);
            arena.CompleteFence(fence);
        }));
    }

    private sealed class ThrowingSource : IArenaSource<ulong>
    {
        private ulong _next;

        public bool Throws { get; set; }

        public Action? Released { get; set; }

        public ulong Quantum => 1;

        public bool TryImport(ulong size, in RangeConstraints<ulong> constraints, out ulong start, out ulong imported)
        {
            start = _next;
            imported = size;
            _next += size + 1;
            return true;
        }

        public void Release(ulong start, ulong size)
        {
            Released?.Invoke();
            if (Throws)
            {
                throw new InvalidOperationException("The source throws.");
            }
        }
    }
}
