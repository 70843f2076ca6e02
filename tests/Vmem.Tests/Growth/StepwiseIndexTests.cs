using Vmem.Checks;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>An index is built in steps between which others have their turn, and goes when nobody asks for it.</summary>
public sealed class StepwiseIndexTests
{
    private const int HolesByDay = 100_000;

    private static readonly int s_holes = Math.Clamp(Night.Scaled(HolesByDay), HolesByDay / 5, HolesByDay);

    /// <summary>Between two steps the lock is given back, so that the building of an index delays others by one step at most.</summary>
    [Theory]
    [InlineData(FitPolicy.BestFit)]
    [InlineData(FitPolicy.FirstFit)]
    [InlineData(FitPolicy.LastFit)]
    [InlineData(FitPolicy.NextFit)]
    public void The_first_request_of_another_policy_is_exact(FitPolicy policy)
    {
        using Arena<ulong> arena = Checkerboard();
        Assert.True(arena.TryAllocate(3, policy, out ulong start));
        ulong expected = policy is FitPolicy.LastFit ? (4ul * (ulong)s_holes) - 3 : 1;
        Assert.Equal(expected, start);
        arena.Validate();
    }

    /// <summary>What changes while the index is half built is in it afterwards.</summary>
    [Fact]
    public void An_index_that_is_half_built_follows_every_change()
    {
        using Arena<ulong> arena = Checkerboard();
        SortedSet<ulong> live = [.. Enumerable.Range(0, s_holes).Select(i => 4ul * (ulong)i)];
        var random = new Random(7);
        for (int i = 0; i < 60; i++)
        {
            Assert.True(arena.TryGetSegment((4ul * (ulong)random.Next(s_holes)) + 2, out _));      // a step
            for (int change = 0; change < 40; change++)
            {
                ulong start = 4ul * (ulong)random.Next(s_holes);
                if (live.Remove(start))
                {
                    arena.Free(start, 1);
                }
                else
                {
                    ulong taken = arena.AllocateConstrained(1, new() { Min = start, Max = start + 1 }, FitPolicy.InstantFit);
                    Assert.Equal(start, taken);
                    live.Add(start);
                }
            }

            if (i % 10 == 0)
            {
                arena.Validate();
            }
        }

        Assert.Equal(live.Count, arena.GetStatistics().LiveSegments);
        arena.Validate();
    }

    /// <summary>Others may be busy between two steps: for two milliseconds, as the lock leaves them to their run.</summary>
    [Fact]
    public void An_index_is_completed_whatever_others_do_between_two_steps()
    {
        using SegmentMap<ulong> map = new(1);
        map.ReserveSpan(8 * (ulong)s_holes);
        _ = map.AddSpan(0, 8 * (ulong)s_holes, imported: false);
        for (int i = 0; i < s_holes; i++)
        {
            map.Reserve();
            map.Enlist(map.TakeGoodFit(1, out _));
        }

        for (ulong start = 0; start < (ulong)s_holes; start += 2)
        {
            _ = map.Free(map.Delist(start, 1));
        }

        int steps = 0;
        while (map.Find(FitPolicy.BestFit, 1, out _, inSteps: true) == SegmentMap<ulong>.Unfinished)
        {
            Assert.True(++steps <= s_holes, "The index is begun again and again.");
            for (int pair = 0; pair < 30_000; pair++)
            {
                map.Reserve();
                map.Enlist(map.TakeGoodFit(1, out ulong start));
                _ = map.Free(map.Delist(start, 1));
            }

            Assert.True(steps <= (s_holes / StepwiseBuild.TagsAtATime) + 2, $"{steps} steps");
        }

        map.Validate();
    }

    [Fact]
    public void An_index_that_nobody_asks_for_goes()
    {
        using Arena<ulong> arena = Checkerboard();
        long before = Pairs(arena, 1_000);
        long bytes = arena.GetStatistics().BookkeepingBytes;
        Assert.True(arena.TryAllocate(1, FitPolicy.FirstFit, out ulong start));
        arena.Free(start, 1);
        Assert.True(arena.GetStatistics().BookkeepingBytes > bytes, "There is no index.");
        _ = Pairs(arena, s_holes);                // a quarter of the entries is enough for the first time
        Assert.Equal(bytes, arena.GetStatistics().BookkeepingBytes);
        Assert.Equal(before, Pairs(arena, 1_000));
    }

    /// <summary>Who asks now and then is not made to pay for a new index each time.</summary>
    [Fact]
    public void An_index_that_is_asked_for_now_and_then_stays()
    {
        using Arena<ulong> arena = Checkerboard();
        long steps = 0;
        long pairs = 0;
        for (int i = 0; i < 40; i++)
        {
            _ = StepCounter.Take();
            Assert.True(arena.TryAllocate(1, FitPolicy.FirstFit, out ulong start));
            steps += StepCounter.Take();
            arena.Free(start, 1);
            pairs += s_holes / 10;
            _ = Pairs(arena, s_holes / 10);
        }

        // One that is built for each question would take some 5 steps an entry 40 times over.
        Assert.True(steps < 20L * s_holes, $"{steps} steps for 40 questions in {pairs} pairs");
    }

    /// <summary>Four units for each hole, of which every fourth is taken: holes of three.</summary>
    private static Arena<ulong> Checkerboard()
    {
        Arena<ulong> arena = new("checkerboard", 0, 4ul * (ulong)s_holes, 1);
        for (ulong start = 0; start < 4ul * (ulong)s_holes; start += 4)
        {
            Assert.Equal(start, arena.Allocate(1));
            Assert.Equal(start + 1, arena.Allocate(3));
        }

        for (ulong start = 1; start < 4ul * (ulong)s_holes; start += 4)
        {
            arena.Free(start, 3);
        }

        return arena;
    }

    private static long Pairs(Arena<ulong> arena, int count)
    {
        _ = StepCounter.Take();
        for (int i = 0; i < count; i++)
        {
            arena.Free(arena.Allocate(2), 2);
        }

        return StepCounter.Take();
    }
}
