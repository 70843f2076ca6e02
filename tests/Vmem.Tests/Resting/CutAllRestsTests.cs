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

    /// <summary>20 rest from 60 on, and 20 are held from 20 on. A draining span gives nothing either.</summary>
    [Theory]
    [InlineData(20u, 20u, 20u)]
    [InlineData(10u, 11u, 20u)]
    [InlineData(39u, 30u, 20u)]
    [InlineData(1_000u, 10u, 20u)]
    [InlineData(60u, 20u, 0u)]
    [InlineData(50u, 40u, 0u)]
    [InlineData(80u, 21u, 0u)]
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
