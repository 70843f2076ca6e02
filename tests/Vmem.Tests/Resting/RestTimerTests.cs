using Vmem.Checks;
using Vmem.Testing.Time;
using Vmem.Tests.Waiting;
using Xunit;

namespace Vmem.Tests.Resting;

/// <summary>Clocks that throw, come back or end the arena while it makes or sets the timer of its rests.</summary>
public sealed class RestTimerTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    /// <summary>The range rests all the same, and the next rest sets the timer.</summary>
    [Fact]
    public void A_timer_that_could_not_be_set_is_set_by_the_next_rest()
    {
        ChangingTime time = new();
        using Arena<uint> arena = Make(time);
        uint two = arena.Allocate(10);
        uint one = arena.Allocate(10);
        time.OnChange = static () => throw new TimeZoneNotFoundException();
        Assert.Throws<TimeZoneNotFoundException>(() => arena.FreeAfter(one, 10, s_second));
        Assert.Equal(0, time.Clock.Timers);
        arena.FreeAfter(two, 10, 2 * s_second);
        Assert.Equal(1, time.Clock.Timers);
        Task<uint> waits = arena.AllocateAsync(90, TestContext.Current.CancellationToken).AsTask();
        time.Clock.Advance(s_second);
        Assert.True(waits.IsCompletedSuccessfully);
        time.Clock.Advance(s_second);
        Assert.Equal((0u, 0), (arena.GetStatistics().Resting, time.Clock.Timers));
    }

    [Fact]
    public void A_timer_is_set_to_nothing_in_an_arena_that_ends_meanwhile()
    {
        ChangingTime time = new();
        Arena<uint> arena = Make(time);
        uint start = arena.Allocate(10);
        time.OnChange = arena.Dispose;
        arena.FreeAfter(start, 10, s_second);
        Assert.Equal(0, time.Clock.Timers);
        time.Clock.Advance(s_second);
    }

    /// <summary>An earlier rest that comes while the timer is set to a later one.</summary>
    [Fact]
    public void A_timer_is_set_once_more_where_an_earlier_rest_came_meanwhile()
    {
        ChangingTime time = new();
        using Arena<uint> arena = Make(time);
        uint late = arena.Allocate(10);
        uint early = arena.Allocate(10);
        time.OnChange = () => arena.FreeAfter(early, 10, s_second);
        arena.FreeAfter(late, 10, 3 * s_second);
        Task<uint> waits = arena.AllocateAsync(90, TestContext.Current.CancellationToken).AsTask();
        Assert.False(waits.IsCompleted);
        time.Clock.Advance(s_second);
        Assert.True(waits.IsCompletedSuccessfully);
        Assert.Equal(1, time.Clock.Timers);
    }

    /// <summary>The clock leads back into the arena as it makes the timer, and there the arena makes one.</summary>
    [Fact]
    public void Of_two_timers_the_first_that_is_there_stays()
    {
        ChangingTime time = new();
        using Arena<uint> arena = Make(time);
        uint outer = arena.Allocate(10);
        uint inner = arena.Allocate(10);
        time.OnMake = () => arena.FreeAfter(inner, 10, s_second);
        arena.FreeAfter(outer, 10, 2 * s_second);
        Assert.Equal((20u, 1, 1), (arena.GetStatistics().Resting, time.Clock.Timers, time.Live));
        time.Clock.Advance(2 * s_second);
        Assert.Equal((0u, 0), (arena.GetStatistics().Resting, time.Clock.Timers));
        arena.Dispose();
        Assert.Equal(0, time.Live);
    }

    [Fact]
    public void A_timer_that_is_made_for_an_arena_that_ends_meanwhile_goes()
    {
        ChangingTime time = new();
        Arena<uint> arena = Make(time);
        uint start = arena.Allocate(10);
        time.OnMake = arena.Dispose;
        Assert.Throws<ObjectDisposedException>(() => arena.FreeAfter(start, 10, s_second));
        Assert.Equal((0, 0), (time.Clock.Timers, time.Live));
    }

    /// <summary>The clock is first read to know when time began.</summary>
    [Fact]
    public void Of_two_beginnings_of_time_the_first_counts()
    {
        TroubledTime time = new();
        using Arena<uint> arena = Make(time);
        uint outer = arena.Allocate(10);
        uint inner = arena.Allocate(10);
        time.OnTimestamp = () => arena.FreeAt(inner, 10, fence: 1);
        arena.FreeAfter(outer, 10, s_second);
        Assert.Equal(20u, arena.GetStatistics().Resting);
        arena.CompleteFence(1);
        Assert.Equal(10u, arena.GetStatistics().Resting);
        arena.Validate();
    }

    /// <summary>The rest is cut short and its place taken; then the timer cannot be stopped.</summary>
    [Fact]
    public void What_was_taken_of_a_rest_goes_back_if_the_timer_throws()
    {
        ChangingTime time = new();
        using Arena<uint> arena = new("rests", 0, 100, 1, new ArenaOptions<uint> { TimeProvider = time, CutRestsShort = true });
        arena.FreeAfter(arena.Allocate(100), 100, s_second);
        time.OnChange = static () => throw new TimeZoneNotFoundException();
        Assert.Throws<TimeZoneNotFoundException>(() => arena.TryAllocate(100, out _));
        Assert.Equal((0u, 0u, 100u), (arena.GetStatistics().InUse, arena.GetStatistics().Resting, arena.GetStatistics().Free));
        Assert.True(arena.TryAllocate(100, out _));
        arena.Validate();
    }

    /// <summary>Timers count milliseconds, and a rest may end within one.</summary>
    [Fact]
    public void A_timer_that_calls_too_early_is_set_once_more()
    {
        ChangingTime time = new();
        using Arena<uint> arena = Make(time);
        arena.FreeAfter(arena.Allocate(10), 10, 2 * s_second);
        time.Clock.Advance(s_second);
        time.CallEarly();
        Assert.Equal((10u, 2), (arena.GetStatistics().Resting, time.Changes));
        time.Clock.Advance(s_second);
        Assert.Equal((0u, 0), (arena.GetStatistics().Resting, time.Clock.Timers));
    }

    /// <summary>A timer that is right is not looked at again under the lock.</summary>
    [Fact]
    public void A_timer_that_is_set_costs_those_nothing_that_change_no_rest()
    {
        ChangingTime time = new();
        using Arena<uint> arena = Make(time);
        uint start = arena.Allocate(10);
        long before = Entries();
        arena.FreeAfter(arena.Allocate(10), 10, s_second);
        Assert.Equal(before, Entries());

        long Entries()
        {
            _ = StepCounter.TakeShared();
            Assert.True(arena.TryExtend(start, 10, 9));
            long entries = StepCounter.TakeShared();
            Assert.True(arena.TryExtend(start, 9, 10));
            return entries;
        }
    }

    private static Arena<uint> Make(TimeProvider time) => new("rests", 0, 100, 1, new ArenaOptions<uint> { TimeProvider = time });

    /// <summary>A clock that calls back once as a timer is made, and once as it is set. A timer that was disposed of is set no
    /// more.</summary>
    private sealed class ChangingTime : TimeProvider
    {
        public ManualTime Clock { get; } = new();

        public Action? OnMake { get; set; }

        public Action? OnChange { get; set; }

        /// <summary>How many timers there are.</summary>
        public int Live { get; private set; }

        /// <summary>How often one was set.</summary>
        public int Changes { get; private set; }

        /// <summary>The timer that was made last calls now, and is set to nothing then.</summary>
        public Action CallEarly { get; private set; } = static () => { };

        public override long TimestampFrequency => Clock.TimestampFrequency;

        public override long GetTimestamp() => Clock.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Action? call = OnMake;
            OnMake = null;
            call?.Invoke();
            Live++;
            ITimer timer = Clock.CreateTimer(callback, state, dueTime, period);
            CallEarly = () =>
            {
                _ = timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                callback(state);
            };
            return new Timer(this, timer);
        }

        private sealed class Timer(ChangingTime time, ITimer timer) : ITimer
        {
            private bool _isLive = true;

            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                Action? call = time.OnChange;
                time.OnChange = null;
                call?.Invoke();
                time.Changes++;
                return _isLive && timer.Change(dueTime, period);
            }

            public void Dispose()
            {
                time.Live -= _isLive ? 1 : 0;
                _isLive = false;
                timer.Dispose();
            }

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
