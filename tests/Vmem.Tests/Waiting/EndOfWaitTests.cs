using System.Runtime.CompilerServices;
using Vmem.Testing.Driving;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>How a wait ends without a grant: the time, the token, the disposal, an interruption. None of them loses anything.</summary>
public class EndOfWaitTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void When_the_time_has_passed_the_call_returns_false()
    {
        ManualTime time = new();
        using Arena<uint> arena = Full(time);
        BlockedCall call = BlockedCall.Begin(arena, () => (arena.TryAllocate(10, FitPolicy.BestFit, s_second, out uint start), start));
        BlockedCall.Until(() => time.Timers == 1);
        time.Advance(s_second - TimeSpan.FromTicks(1));
        Assert.Equal(0, arena.GetStatistics().Failures);
        time.Advance(TimeSpan.FromTicks(1));
        Assert.False(call.End().Met);
        Assert.Null(call.Thrown);
        Assert.Equal(1, arena.GetStatistics().Failures);
        arena.Free(0, 100);
        Assert.Equal("{0+100: (0+100)}", ArenaPicture.Segments(arena));
        Assert.Equal(s_second, arena.GetStatistics().TimeWaited);
        arena.Validate();
    }

    [Fact]
    public void A_blocked_call_that_is_served_in_time_leaves_no_timer()
    {
        ManualTime time = new();
        using Arena<uint> arena = Full(time);
        BlockedCall call = BlockedCall.Begin(arena, () => (arena.TryAllocate(10, s_second, out uint start), start));
        BlockedCall.Until(() => time.Timers == 1);
        arena.Free(0, 100);
        Assert.True(call.End().Met);
        Assert.Equal((0, 1), (time.Timers, time.TimersMade));
        time.Advance(s_second);
        Assert.Equal(10u, arena.GetStatistics().InUse);
    }

    [Fact]
    public void A_constrained_call_blocks_too()
    {
        using Arena<uint> arena = Full(new ManualTime());
        BlockedCall call = BlockedCall.Begin(
            arena,
            () => (arena.TryAllocateConstrained(10, new() { Align = 64 }, FitPolicy.LastFit, s_second, out uint start), start));
        arena.Free(0, 100);
        Assert.Equal((true, 64u), (call.End().Met, call.Start));
    }

    [Fact]
    public void Without_a_wait_there_is_no_timer()
    {
        ManualTime time = new();
        using Arena<uint> arena = new("empty", 0, 100, 1, new ArenaOptions<uint> { TimeProvider = time });
        Assert.True(arena.TryAllocate(10, s_second, out _));
        Assert.True(arena.TryAllocate(10, FitPolicy.FirstFit, Timeout.InfiniteTimeSpan, out _));
        Assert.True(arena.TryAllocateConstrained(10, new() { Align = 16 }, s_second, out _));
        Assert.False(arena.TryAllocate(90, TimeSpan.Zero, out _));
        Assert.Equal(0, time.TimersMade);
        Assert.Equal((0, 1), (arena.GetStatistics().Waits, arena.GetStatistics().Failures));
    }

    [Fact]
    public void An_infinite_timeout_sets_no_timer()
    {
        ManualTime time = new();
        using Arena<uint> arena = Full(time);
        BlockedCall call = BlockedCall.Begin(arena, () => (arena.TryAllocate(10, Timeout.InfiniteTimeSpan, out uint start), start));
        arena.Free(0, 100);
        Assert.True(call.End().Met);
        Assert.Equal(0, time.TimersMade);
    }

    [Theory]
    [InlineData(-2.0)]
    [InlineData(-0.5)]
    [InlineData(int.MaxValue + 1.0)]
    public void A_timeout_that_makes_no_sense_is_an_error(double milliseconds)
    {
        using Arena<uint> arena = new("empty", 0, 100, 1);
        TimeSpan timeout = TimeSpan.FromMilliseconds(milliseconds);
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.TryAllocate(1, timeout, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.TryAllocate(1, FitPolicy.BestFit, timeout, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.TryAllocateConstrained(1, default, FitPolicy.BestFit, timeout, out _));
    }

    [Fact]
    public void A_cancelled_token_ends_the_wait_with_an_exception_that_carries_it()
    {
        using Arena<uint> arena = Full(new ManualTime());
        using CancellationTokenSource cancel = new();
        BlockedCall call = BlockedCall.Begin(arena, () => (arena.TryAllocate(10, s_second, out uint start, cancel.Token), start));
        ValueTask<uint> waiter = arena.AllocateAsync(10, cancel.Token);
        cancel.Cancel();
        OperationCanceledException thrown = Assert.IsType<OperationCanceledException>(call.End().Thrown);
        Assert.Equal(cancel.Token, thrown.CancellationToken);
        Assert.Equal(cancel.Token, Assert.Throws<TaskCanceledException>(() => waiter.GetAwaiter().GetResult()).CancellationToken);
        arena.Free(0, 100);
        Assert.Equal(0u, arena.GetStatistics().InUse);
        Assert.Equal(0, arena.GetStatistics().Failures);
    }

    [Fact]
    public void A_token_alone_sets_no_timer()
    {
        ManualTime time = new();
        using Arena<uint> arena = Full(time);
        using CancellationTokenSource cancel = new();
        ValueTask<uint> waiter = arena.AllocateAsync(10, cancel.Token);
        Assert.Equal(0, time.TimersMade);
        cancel.Cancel();
        Assert.True(waiter.IsCanceled);
    }

    [Fact]
    public void A_token_keeps_nothing_of_a_wait_that_is_over()
    {
        using Arena<uint> arena = Full(new ManualTime());
        using CancellationTokenSource cancel = new();
        WeakReference wait = WaitAndServe(arena, cancel.Token);
        for (int i = 0; i < 10 && wait.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(wait.IsAlive);
        GC.KeepAlive(cancel);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference WaitAndServe(Arena<uint> arena, CancellationToken token)
    {
        Task<uint> waiter = arena.AllocateAsync(10, token).AsTask();
        Assert.False(waiter.IsCompleted);
        arena.Free(0, 100);
        Assert.True(waiter.IsCompletedSuccessfully);
        return new WeakReference(waiter);
    }

    [Fact]
    public async Task A_token_that_is_cancelled_on_entry_stops_even_what_would_fit()
    {
        using Arena<uint> arena = new("empty", 0, 100, 1);
        CancellationToken cancelled = new(canceled: true);
        Assert.Equal(
            cancelled,
            Assert.ThrowsAny<OperationCanceledException>(() => arena.TryAllocate(10, s_second, out _, cancelled)).CancellationToken);
        Assert.ThrowsAny<OperationCanceledException>(() => arena.TryAllocate(10, TimeSpan.Zero, out _, cancelled));
        Assert.ThrowsAny<OperationCanceledException>(() =>
            arena.TryAllocateConstrained(10, default, FitPolicy.BestFit, s_second, out _, cancelled));
        OperationCanceledException thrown =
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await arena.AllocateAsync(10, cancelled));
        Assert.Equal(cancelled, thrown.CancellationToken);
        Assert.True(arena.AllocateAsync(10, new RangeConstraints<uint> { Align = 4 }, cancelled).IsCanceled);
        Assert.Equal(0u, arena.GetStatistics().InUse);
    }

    [Fact]
    public void Disposal_ends_every_wait_with_an_error()
    {
        Arena<uint> arena = Full(new ManualTime());
        BlockedCall call = BlockedCall.Begin(arena, () => (arena.TryAllocate(10, s_second, out uint start), start));
        ValueTask<uint>[] waiters = [arena.AllocateAsync(10), arena.AllocateAsync(100)];
        arena.Dispose();
        Assert.IsType<ObjectDisposedException>(call.End().Thrown);
        Assert.All(waiters, waiter => Assert.IsType<ObjectDisposedException>(waiter.AsTask().Exception!.InnerException));
        Assert.Throws<ObjectDisposedException>(() => { _ = arena.AllocateAsync(10); });
        Assert.Throws<ObjectDisposedException>(() => arena.TryAllocate(10, s_second, out _));
        Assert.Throws<ObjectDisposedException>(arena.RetryWaiters);
    }

    [Fact]
    public void A_thread_that_is_interrupted_leaves_the_queue()
    {
        using Arena<uint> arena = Full(new ManualTime());
        BlockedCall call = BlockedCall.Begin(arena, () => (arena.TryAllocate(60, Timeout.InfiniteTimeSpan, out uint start), start));
        ValueTask<uint> behind = arena.AllocateAsync(100);
        call.Interrupt();
        Assert.IsType<ThreadInterruptedException>(call.End().Thrown);
        arena.Free(0, 100);
        Assert.True(behind.IsCompletedSuccessfully);
    }

    /// <summary>A clock that fails leaves nobody in the queue who has no time-out.</summary>
    [Fact]
    public void A_clock_that_makes_no_timer_leaves_the_queue_as_it_was()
    {
        using Arena<uint> arena = Full(new StoppedClock());
        Assert.Throws<NotSupportedException>(() => arena.TryAllocate(60, s_second, out _));
        arena.Free(0, 100);
        Assert.Equal(0u, arena.GetStatistics().InUse);
    }

    private static Arena<uint> Full(TimeProvider time)
    {
        Arena<uint> arena = new("full", 0, 100, 1, new ArenaOptions<uint> { TimeProvider = time });
        arena.Allocate(100);
        return arena;
    }

    private sealed class StoppedClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            throw new NotSupportedException();
    }
}
