using System.Diagnostics;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Resting;

/// <summary>All rests are cut short for a request that waits, however many there are.</summary>
public class CutAllRestsTests
{
    /// <summary>The arena's timer is set when all is done: by a call that lies as deep as the rests were ended.</summary>
    [Fact]
    public void The_stack_is_as_deep_for_many_as_for_few()
    {
        int few = DepthOf(100);
        Assert.InRange(DepthOf(10_000), 1, few + 20);          // of the first call, something may have been inlined by now, or not
    }

    /// <summary>20 rest from 60 on, and 20 are held from 20 on. A draining span gives nothing either, nor is there anything behind
    /// 99.</summary>
    [Theory]
    [InlineData(20u, 20u, 20u)]
    [InlineData(10u, 11u, 20u)]
    [InlineData(39u, 30u, 20u)]
    [InlineData(1_000u, 10u, 20u)]
    [InlineData(60u, 20u, 0u)]
    [InlineData(50u, 40u, 0u)]
    [InlineData(80u, 21u, 20u)]
    public void No_rest_is_cut_short_for_a_place_that_somebody_holds(uint start, uint size, uint left)
    {
        using Arena<uint> arena = new("rests", 0, 100, 1, new ArenaOptions<uint> { CutRestsShort = true, TimeProvider = new ManualTime() });
        arena.AddSpan(1_000, 100);
        Assert.True(arena.TryAllocateAt(1_050, 50));
        Assert.True(arena.TryDrainSpan(1_000));
        Assert.True(arena.TryAllocateAt(20, 20));
        Assert.True(arena.TryAllocateAt(60, 20));
        arena.FreeAfter(60, 20, TimeSpan.FromHours(1));
        Assert.Equal(start is 60 or 50, arena.TryAllocateAt(start, size));
        Assert.Equal(left, arena.GetStatistics().Resting);
        arena.Validate();
    }

    /// <summary>Held: 10 to 19 and 50 to 59. Resting: 20 to 29, for a fence 30 to 39, and last 60 to 69. So 60 to 99 would be the longest
    /// run.</summary>
    [Theory]
    [InlineData(41u, 0u, 0u, 0u, 30u)]
    [InlineData(40u, 0u, 0u, 0u, 10u)]
    [InlineData(10u, 32u, 1u, 0u, 10u)]
    [InlineData(10u, 32u, 1u, 64u, 30u)]
    [InlineData(10u, 32u, 1u, 74u, 10u)]
    [InlineData(10u, 32u, 1u, 73u, 30u)]
    [InlineData(11u, 0u, 19u, 35u, 30u)]
    [InlineData(10u, 0u, 19u, 35u, 20u)]
    [InlineData(6u, 0u, 24u, 35u, 20u)]
    [InlineData(6u, 0u, 25u, 35u, 30u)]
    [InlineData(20u, 0u, 55u, 80u, 10u)]
    [InlineData(21u, 0u, 55u, 80u, 30u)]
    [InlineData(4u, 0u, 45u, 65u, 0u, 30u)]
    public void No_rest_is_cut_short_where_none_that_a_time_ends_is_in_the_way(uint size, uint align, uint min, uint max, uint left,
        uint others = 0)
    {
        using Arena<uint> arena = new("rests", 0, 100, 1, new ArenaOptions<uint> { CutRestsShort = true, TimeProvider = new ManualTime() });
        uint[] starts = [10, 20, 30, 50, 60];
        Assert.All(starts, start => Assert.True(arena.TryAllocateAt(start, 10)));
        arena.FreeAfter(20, 10, TimeSpan.FromHours(1));
        arena.FreeAt(30, 10, fence: 1);
        arena.FreeAfter(60, 10, TimeSpan.FromHours(1));
        bool isMet = arena.TryAllocateConstrained(size, new() { Align = align, Min = min, Max = max }, out _);
        Assert.Equal(left + others, arena.GetStatistics().Resting);
        Assert.Equal(left + others < 30 || others > 0, isMet);
        arena.Validate();
    }

    /// <summary>4 to 11 rest in a page of 16 that begins with a range of a kind. Where it is the other one, no range of a kind may lie
    /// beside it.</summary>
    [Theory]
    [InlineData(1, 1, true)]
    [InlineData(2, 1, false)]
    [InlineData(2, 0, true)]
    public void No_rest_is_cut_short_for_a_place_beside_another_kind(int there, int wanted, bool fits)
    {
        using Arena<uint> arena = new("rests", 0, 32, 1,
            new ArenaOptions<uint> { CutRestsShort = true, KindGranularity = 16, TimeProvider = new ManualTime() });
        Assert.Equal(0u, arena.AllocateConstrained(4, new() { Kind = there, Max = 4 }));
        Assert.True(arena.TryAllocateAt(4, 8));
        arena.FreeAfter(4, 8, TimeSpan.FromHours(1));
        Assert.Equal(fits, arena.TryAllocateConstrained(12, new() { Kind = wanted, Max = 16 }, out _));
        Assert.Equal(fits ? 0u : 8u, arena.GetStatistics().Resting);
        arena.Validate();
    }

    /// <summary>Two ranges of a kind rest in one page, between ranges without one.</summary>
    [Theory]
    [InlineData(2, false, 0u)]
    [InlineData(1, false, 4u)]
    [InlineData(2, true, 8u)]
    public void A_kind_that_a_cut_would_end_is_in_nobodys_way(int wanted, bool forFence, uint left)
    {
        using Arena<uint> arena = new("rests", 0, 16, 1,
            new ArenaOptions<uint> { CutRestsShort = true, KindGranularity = 16, TimeProvider = new ManualTime() });
        for (uint start = 0; start < 16; start += 4)
        {
            int kind = start % 8 == 0 ? 1 : 0;
            Assert.True(arena.TryAllocateConstrained(4, new() { Kind = kind, Min = start, Max = start + 4 }, out _));
        }

        arena.FreeAfter(0, 4, TimeSpan.FromHours(1));
        if (forFence)
        {
            arena.FreeAt(8, 4, fence: 1);
        }
        else
        {
            arena.FreeAfter(8, 4, TimeSpan.FromHours(1));
        }

        Assert.Equal(!forFence, arena.TryAllocateConstrained(4, new() { Kind = wanted }, out _));
        Assert.Equal(left, arena.GetStatistics().Resting);
        arena.Validate();
    }

    /// <summary>Every other value is held, and the others rest: too many to be looked at under one lock, unless the window is
    /// narrow.</summary>
    [Theory]
    [InlineData(1_000u, 0u, 500u)]
    [InlineData(10_000u, 0u, 0u)]
    [InlineData(10_000u, 9_000u, 5_000u)]
    public void Whether_a_cut_helps_is_looked_at_as_far_as_that_is_cheap(uint size, uint min, uint left)
    {
        using Arena<uint> arena = new("rests", 0, size, 1, new ArenaOptions<uint> { CutRestsShort = true, TimeProvider = new ManualTime() });
        for (uint start = 0; start < size; start += 2)
        {
            Assert.True(arena.TryAllocateAt(start, 1) && arena.TryAllocateAt(start + 1, 1));
        }

        for (uint start = 0; start < size; start += 2)
        {
            arena.FreeAfter(start, 1, TimeSpan.FromHours(1));
        }

        Assert.False(arena.TryAllocateConstrained(2, new() { Min = min }, out _));
        Assert.Equal(left, arena.GetStatistics().Resting);
        arena.Validate();
    }

    /// <summary>More is asked for than is free and rests: so nothing is cut short before the request waits.</summary>
    private static int DepthOf(int rests)
    {
        DepthTime time = new();
        uint[] starts = new uint[rests];
        using Arena<uint> arena = new("rests", 0, (uint)rests + 300, 1, new ArenaOptions<uint> { CutRestsShort = true, TimeProvider = time });
        Assert.Equal(rests, arena.TryAllocateMany(1, starts));
        uint live = arena.Allocate(200);
        foreach (uint start in starts)
        {
            arena.FreeAfter(start, 1, TimeSpan.FromHours(1));
        }

        time.Deepest = 0;
        ValueTask<uint> waiter = arena.AllocateAsync((uint)rests + 300);
        Assert.Equal((0u, false), (arena.GetStatistics().Resting, waiter.IsCompleted));
        arena.Validate();
        int deepest = time.Deepest;
        arena.Free(live, 200);
        Assert.True(waiter.IsCompletedSuccessfully);
        return deepest;
    }

    /// <summary>A clock that notes how deep the stack is where a timer is set.</summary>
    private sealed class DepthTime : TimeProvider
    {
        private readonly ManualTime _inner = new();

        public int Deepest { get; set; }

        public override long TimestampFrequency => _inner.TimestampFrequency;

        public override long GetTimestamp() => _inner.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new DepthTimer(this, _inner.CreateTimer(callback, state, dueTime, period));

        private sealed class DepthTimer(DepthTime time, ITimer inner) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                time.Deepest = Math.Max(time.Deepest, new StackTrace().FrameCount);
                return inner.Change(dueTime, period);
            }

            public void Dispose() => inner.Dispose();

            public ValueTask DisposeAsync() => inner.DisposeAsync();
        }
    }
}
