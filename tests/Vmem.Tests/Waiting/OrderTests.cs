using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>First come, first served, among those who wait.</summary>
public class OrderTests
{
    [Fact]
    public void A_large_request_is_not_starved_by_small_ones_that_arrive_later()
    {
        using Arena<uint> arena = new("busy", 0, 100, 1);
        uint[] starts = [.. Enumerable.Range(0, 10).Select(_ => arena.Allocate(10))];
        ValueTask<uint> large = arena.AllocateAsync(100);
        ValueTask<uint>[] small = [.. Enumerable.Range(0, 10).Select(_ => arena.AllocateAsync(10))];
        foreach (uint start in starts)
        {
            Assert.False(large.IsCompleted);
            Assert.DoesNotContain(small, waiter => waiter.IsCompleted);
            arena.Free(start, 10);
        }

        Assert.True(large.IsCompletedSuccessfully);
        Assert.DoesNotContain(small, waiter => waiter.IsCompleted);
        arena.Free(large.Result, 100);
        Assert.All(small, waiter => Assert.True(waiter.IsCompletedSuccessfully));
    }

    [Fact]
    public void A_waiting_call_goes_to_the_tail_even_if_it_would_fit()
    {
        using Arena<uint> arena = new("half", 0, 100, 1);
        arena.Allocate(50);
        ValueTask<uint> first = arena.AllocateAsync(60);
        ValueTask<uint> second = arena.AllocateAsync(10);
        Assert.False(second.IsCompleted);
        arena.Free(0, 50);
        Assert.True(first.IsCompletedSuccessfully && second.IsCompletedSuccessfully);
    }

    /// <summary>A call that does not wait fails only if nothing fits, whoever waits.</summary>
    [Fact]
    public void Calls_that_do_not_wait_are_answered_from_what_is_free()
    {
        using Arena<uint> arena = new("half", 0, 100, 1);
        arena.Allocate(50);
        ValueTask<uint> waiter = arena.AllocateAsync(60);
        Assert.True(arena.TryAllocate(10, out _));
        Assert.True(arena.TryAllocate(10, FitPolicy.BestFit, TimeSpan.Zero, out _));
        Assert.True(arena.TryAllocateConstrained(10, new() { Align = 2 }, FitPolicy.BestFit, TimeSpan.Zero, out _));
        Assert.Equal(80u, arena.Allocate(20));
        Assert.False(arena.TryAllocate(1, TimeSpan.Zero, out _));
        Assert.False(waiter.IsCompleted);
    }

    [Fact]
    public void Somebody_who_leaves_from_the_middle_is_skipped()
    {
        using Arena<uint> arena = new("full", 0, 30, 1);
        arena.Allocate(30);
        using CancellationTokenSource giveUp = new();
        ValueTask<uint>[] waiters =
            [arena.AllocateAsync(10), arena.AllocateAsync(10, giveUp.Token), arena.AllocateAsync(10), arena.AllocateAsync(10)];
        giveUp.Cancel();
        arena.Free(0, 30);
        Assert.Equal([true, false, true, true], waiters.Select(waiter => waiter.IsCompletedSuccessfully));
        Assert.Equal([0u, 10u, 20u], new[] { waiters[0], waiters[2], waiters[3] }.Select(waiter => waiter.Result));
    }
}
