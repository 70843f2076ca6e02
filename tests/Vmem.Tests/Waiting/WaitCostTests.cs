using Vmem.Testing.Internals;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>What waiting counts, what it costs those who do not wait, and what it is in an arena with one thread.</summary>
public class WaitCostTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Only_allocations_that_truly_wait_are_counted()
    {
        ManualTime time = new();
        using Arena<uint> arena = new("counted", 0, 100, 1, new ArenaOptions<uint> { TimeProvider = time });
        Assert.True(arena.AllocateAsync(100).IsCompletedSuccessfully);
        Assert.Equal(0, arena.GetStatistics().Waits);
        using CancellationTokenSource cancel = new();
        ValueTask<uint> one = arena.AllocateAsync(60);
        ValueTask<uint> two = arena.AllocateAsync(60, cancel.Token);
        Assert.Equal((1, 2, 0), (arena.GetStatistics().Allocations, arena.GetStatistics().Waits, arena.GetStatistics().Failures));
        time.Advance(s_second);
        arena.Free(0, 100);
        time.Advance(s_second);
        cancel.Cancel();
        Assert.True(one.IsCompletedSuccessfully && two.IsCanceled);
        Assert.Equal((2, 2, 0), (arena.GetStatistics().Allocations, arena.GetStatistics().Waits, arena.GetStatistics().Failures));
        Assert.Equal(3 * s_second, arena.GetStatistics().TimeWaited);
    }

    [Fact]
    public void Who_stands_behind_others_waits_from_the_moment_it_came()
    {
        ManualTime time = new();
        using Arena<uint> arena = new("timed", 0, 100, 1, new ArenaOptions<uint> { TimeProvider = time });
        arena.Allocate(100);
        time.Advance(7 * s_second);
        ValueTask<uint>[] waiters = [arena.AllocateAsync(10), arena.AllocateAsync(10)];
        time.Advance(s_second);
        arena.Free(0, 100);
        Assert.All(waiters, static waiter => Assert.True(waiter.IsCompletedSuccessfully));
        Assert.Equal(2 * s_second, arena.GetStatistics().TimeWaited);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_call_that_need_not_wait_makes_no_garbage(bool singleThreaded)
    {
        using Arena<ulong> arena = new("clean", 0, 1 << 20, 16, new ArenaOptions<ulong> { SingleThreaded = singleThreaded });
        Assert.Equal(0, Garbage.Of(2_000, () => AllocateWithoutWait(arena)));
    }

    [Fact]
    public void In_a_single_threaded_arena_one_may_wait_but_not_block()
    {
        using Arena<uint> arena = new("alone", 0, 100, 1, new ArenaOptions<uint> { SingleThreaded = true });
        Assert.True(arena.TryAllocate(100, s_second, out _));
        Assert.Throws<InvalidOperationException>(() => arena.TryAllocate(10, s_second, out _));
        Assert.Throws<InvalidOperationException>(() =>
            arena.TryAllocateConstrained(10, default, FitPolicy.BestFit, Timeout.InfiniteTimeSpan, out _));
        Assert.False(arena.TryAllocate(10, TimeSpan.Zero, out _));
        Assert.Throws<ArgumentException>(() => arena.TryAllocate(101, s_second, out _));
        using CancellationTokenSource cancel = new();
        ValueTask<uint> one = arena.AllocateAsync(60, cancel.Token);
        ValueTask<uint> two = arena.AllocateAsync(50);
        arena.TryExtend(0, 100, 50);
        Assert.False(two.IsCompleted);
        cancel.Cancel();
        Assert.True(one.IsCanceled && two.IsCompletedSuccessfully);
        arena.Validate();
    }

    /// <summary>Whoever holds the task keeps the arena: else what could complete it would be collected.</summary>
    [Fact]
    public void The_task_keeps_the_arena_alive()
    {
        using Arena<uint> arena = new("kept", 0, 100, 1);
        arena.Allocate(100);
        Assert.Same(arena, arena.AllocateAsync(10).AsTask().AsyncState);
    }

    private static void AllocateWithoutWait(Arena<ulong> arena)
    {
        ValueTask<ulong> one = arena.AllocateAsync(100);
        ValueTask<ulong> two = arena.AllocateAsync(100, new RangeConstraints<ulong> { Align = 64 }, FitPolicy.FirstFit);
        arena.TryAllocate(100, FitPolicy.LastFit, s_second, out ulong three);
        arena.Free(one.Result, 100);
        arena.FreeConstrained(two.Result, 100);
        arena.Free(three, 100);
    }
}
