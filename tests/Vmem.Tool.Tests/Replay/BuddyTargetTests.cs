using Vmem.Tool.Replay;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Replay;

/// <summary>Replays through the buddy allocator against the same through a naive one.</summary>
public sealed class BuddyTargetTests
{
    [Theory]
    [InlineData(400, 30, 16UL, null)]
    [InlineData(5_000, 200, 16UL, null)]
    [InlineData(5_000, 200, 1UL, null)]
    [InlineData(5_000, 200, 64UL, 65_536UL)]
    [InlineData(5_000, 200, 16UL, 40_000UL)]
    public void Figures_are_those_of_a_naive_buddy_system(int events, int live, ulong quantum, ulong? limit)
    {
        string text = Samples.Generate(events, live, seed: events + live);
        PolicyReport expected = ReplayText.Report(text, new NaiveBuddyTarget(quantum, limit)).Policies[0];
        PolicyReport actual = ReplayText.Report(text, new BuddyTarget(quantum, limit)).Policies[0];
        Assert.Equal(expected with { Curve = actual.Curve, Map = actual.Map, Waste = actual.Waste }, WithoutTimes(actual, expected));
        Assert.Equal(expected.Waste, actual.Waste);
        Assert.Equal(expected.Curve.LiveBytes, actual.Curve.LiveBytes);
        Assert.Equal(expected.Curve.ExtentBytes, actual.Curve.ExtentBytes);
        Assert.Equal(limit is not null, actual.Failures > 0);
    }

    [Fact]
    public void Figures_worked_out_by_hand()
    {
        // [1: 0-16) [2: 64-128) of 40 bytes, [3: 16-32) of 1 byte; 2 goes, so that [32-128) is free again, and 4 takes [32-64).
        PolicyReport buddy = ReplayText.Report("a 1 16\na 2 40\na 3 1\nf 2\na 4 17\n", new BuddyTarget(16, null)).Policies[0];
        Assert.Equal((96UL, 128UL), (buddy.PeakLiveBytes, buddy.RangeBytes));
        Assert.Equal((39UL, 30UL), (buddy.PeakInternalWasteBytes, buddy.FinalInternalWasteBytes));
        Assert.Equal([16, 80, 96, 32, 64], buddy.Curve.LiveBytes);
        Assert.Equal([16, 128, 128, 32, 64], buddy.Curve.ExtentBytes);
    }

    /// <summary>With a limit there is one part only, however long it is.</summary>
    [Fact]
    public void A_limit_may_be_above_what_is_begun_with_where_there_is_none()
    {
        using var target = new BuddyTarget(1, 3UL << BuddyTarget.FirstOrder);
        Assert.True(target.TryAllocate(1UL << (BuddyTarget.FirstOrder + 1), out ulong low));
        Assert.True(target.TryAllocate(1UL << BuddyTarget.FirstOrder, out ulong high));
        Assert.Equal(2UL << BuddyTarget.FirstOrder, high);
        Assert.Equal((3UL << BuddyTarget.FirstOrder, 0UL), (target.GetFigures().InUse, target.GetFigures().Holes));
        target.Free(high, 1UL << BuddyTarget.FirstOrder);
        target.Free(low, 1UL << (BuddyTarget.FirstOrder + 1));
        Assert.Equal((0UL, 0UL), (target.GetFigures().InUse, target.GetFigures().Holes));
    }

    [Fact]
    public void Beyond_the_first_part_it_goes_on_as_a_larger_buddy_system_would()
    {
        // Blocks of 16 MiB and more, in parts that begin with 1 GiB: four or five are needed.
        var random = new Random(1);
        var text = new System.Text.StringBuilder();
        for (int id = 0; id < 300; id++)
        {
            _ = text.Append("a ").Append(id).Append(' ').Append(random.Next(1 << 24, 1 << 26)).Append('\n');
            _ = id % 3 == 2 ? text.Append("f ").Append(id - random.Next(3)).Append('\n') : text;
        }

        PolicyReport expected = ReplayText.Report(text.ToString(), new NaiveBuddyTarget(4, null)).Policies[0];
        PolicyReport actual = ReplayText.Report(text.ToString(), new BuddyTarget(4, null)).Policies[0];
        Assert.Equal((0L, expected.PeakLiveBytes), (actual.Failures, actual.PeakLiveBytes));
        Assert.InRange(expected.RangeBytes, 5UL << 30, 16UL << 30);

        // Where the larger system has one free block across two parts, this one takes another place: not the very same addresses.
        Assert.InRange(actual.RangeBytes, expected.RangeBytes / 10 * 9, expected.RangeBytes / 10 * 11);
    }

    [Fact]
    public void A_block_as_large_as_all_before_gets_a_part_of_its_own_and_one_that_is_too_large_fails()
    {
        PolicyReport buddy = ReplayText.Report($"a 1 16\na 2 {1UL << 34}\nf 2\na 3 {1UL << 35}\na 4 {(1UL << 35) + 1}\nf 4\nf 1\n", new BuddyTarget(16, null)).Policies[0];
        Assert.Equal((1L, 1UL << 36), (buddy.Failures, buddy.RangeBytes));
    }

    [Fact]
    public void Bookkeeping_is_that_of_the_range_used()
    {
        PolicyReport small = ReplayText.Report("a 1 1000\n", new BuddyTarget(16, null)).Policies[0];
        PolicyReport large = ReplayText.Report("a 1 1000000\n", new BuddyTarget(16, null)).Policies[0];
        PolicyReport limited = ReplayText.Report("a 1 1000\n", new BuddyTarget(16, 1 << 20)).Policies[0];
        Assert.Equal(new BuddyAllocator<ulong>(0, 1 << 20, 16, 1 << 20).GetStatistics().BookkeepingBytes, large.BookkeepingBytes);
        Assert.Equal(large.BookkeepingBytes, limited.BookkeepingBytes);
        Assert.InRange(small.BookkeepingBytes, 1, 400);
    }

    private static PolicyReport WithoutTimes(PolicyReport actual, PolicyReport expected) => actual with
    {
        MedianNanoseconds = expected.MedianNanoseconds,
        Percentile999Nanoseconds = expected.Percentile999Nanoseconds,
        EventsPerSecond = expected.EventsPerSecond,
        BookkeepingBytes = expected.BookkeepingBytes,
        Overhead = expected.Overhead,
        CostBytes = expected.CostBytes,
    };
}
