using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>How many badly placed segments a search passes before another index is asked: 32 by address and, of an aligned best fit without
/// a window, by size.</summary>
public sealed class BadlyPlacedHolesTests
{
    private const uint Distance = 64;

    public static TheoryData<FitPolicy, int, bool> Cases
    {
        get
        {
            TheoryData<FitPolicy, int, bool> cases = [];
            foreach (FitPolicy policy in (FitPolicy[])[FitPolicy.FirstFit, FitPolicy.LastFit, FitPolicy.NextFit])
            {
                cases.Add(policy, 32, false);
                cases.Add(policy, 33, true);
            }

            cases.Add(FitPolicy.BestFit, 31, false);
            cases.Add(FitPolicy.BestFit, 32, true);
            return cases;
        }
    }

    /// <summary>So many holes that straddle a multiple of the alignment, and one that does not.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void An_index_for_the_alignment_is_built_after_so_many(FitPolicy policy, int badly, bool isBuilt)
    {
        using SegmentMap<uint> map = Holes(badly, policy == FitPolicy.LastFit, out uint good);
        Assert.NotEqual(0u, map.Find(policy, 40, out _, inSteps: false));
        RangeConstraints<uint> constraints = new() { Align = Distance };
        if (policy == FitPolicy.BestFit)
        {
            Assert.True(map.TryCountPieces(40, 40, 1, out _, out _));         // the index by size, from which it takes the lowest
        }

        long bytes = map.BookkeepingBytes;
        Assert.NotEqual(0u, map.FindConstrained(policy, new Placement<uint>(40, constraints, 1), out uint start));
        Assert.Equal(good, start);
        Assert.Equal(isBuilt, map.BookkeepingBytes > bytes);
        _ = StepCounter.Take();
        Assert.NotEqual(0u, map.FindConstrained(policy, new Placement<uint>(40, constraints, 1), out start));
        Assert.Equal(good, start);
        Assert.InRange(StepCounter.Take(), 1, isBuilt ? 8 : badly + 8);
        map.Validate();
    }

    [Theory]
    [InlineData(FitPolicy.FirstFit)]
    [InlineData(FitPolicy.LastFit)]
    [InlineData(FitPolicy.NextFit)]
    public void Without_an_alignment_no_index_for_one_is_built(FitPolicy policy)
    {
        using SegmentMap<uint> map = Holes(200, isLast: false, out _);
        Assert.NotEqual(0u, map.Find(policy, 40, out _, inSteps: false));
        long bytes = map.BookkeepingBytes;
        RangeConstraints<uint> window = new() { Min = 40 + (50 * Distance), Max = 41 + (51 * Distance) };
        Assert.NotEqual(0u, map.FindConstrained(policy, new Placement<uint>(30, window, 1), out uint start));
        Assert.Equal((50 * Distance) + (policy == FitPolicy.LastFit ? 42u : 40u), start);
        Assert.Equal(bytes, map.BookkeepingBytes);
        Assert.Equal(0u, map.FindConstrained(policy, new Placement<uint>(33, window, 1), out start));
        Assert.Equal((0u, bytes), (start, map.BookkeepingBytes));
    }

    /// <summary>Two steps before each of the two indexes is complete.</summary>
    [Theory]
    [InlineData(FitPolicy.BestFit)]
    public void The_index_for_the_alignment_is_built_in_steps(FitPolicy policy)
    {
        using SegmentMap<uint> map = Holes(2_500, policy == FitPolicy.LastFit, out uint good);
        var placement = new Placement<uint>(40, new RangeConstraints<uint> { Align = Distance }, 1);
        int steps = 0;
        uint start;
        while (map.FindConstrained(policy, placement, out start, inSteps: true) == SegmentMap<uint>.Unfinished)
        {
            Assert.Equal(0u, start);
            steps++;
        }

        Assert.Equal((good, 4), (start, steps));
    }

    /// <summary>Each hole of 40 begins 32 behind a multiple of the distance; one lies at a multiple, behind all or before
    /// them.</summary>
    private static SegmentMap<uint> Holes(int badly, bool isLast, out uint good)
    {
        SegmentMap<uint> map = new(1);
        uint total = ((uint)badly + 3) * Distance;
        map.ReserveSpan(total);
        _ = map.AddSpan(0, total, imported: false);
        uint end = 0;
        uint first = isLast ? Distance : 0;
        good = isLast ? 0 : ((uint)badly + 1) * Distance;
        uint[] starts = [.. Enumerable.Range(0, badly).Select(i => first + 32 + ((uint)i * Distance)), good];
        foreach (uint start in starts.Order())
        {
            Hold(map, end, start);
            end = start + 40;
        }

        Hold(map, end, total);
        return map;
    }

    private static void Hold(SegmentMap<uint> map, uint start, uint end)
    {
        if (end > start)
        {
            map.Reserve();
            map.Enlist(map.Carve(map.FindAt(start, end - start, inSteps: false), start, end - start));
        }
    }
}
