using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>Best fit in a window: 10^5 free segments of many sizes, and what lies outside the window differs from what lies
/// inside.</summary>
[Trait("Once", "Release")]
public sealed class WindowedBestFitTests
{
    private const int Holes = 100_000;

    /// <summary>The sizes that are looked at first cost a search each. Then come some turns of two searches.</summary>
    private const int Bound = 1_000;

    private const ulong Request = 1_000;

    /// <summary>Constraints that none, some or all segments satisfy, besides the window.</summary>
    public static TheoryData<ulong, ulong, ulong> Constraints =>
        new() { { 0, 0, 0 }, { 64, 0, 0 }, { 256, 8, 0 }, { 0, 0, 4_096 }, { 64, 0, 4_096 } };

    [Theory]
    [MemberData(nameof(Constraints))]
    public void Small_ones_outside_and_large_ones_inside(ulong align, ulong phase, ulong noCross)
    {
        foreach ((int from, int to) in ((int, int)[])[(Holes / 4, Holes * 3 / 4), (0, Holes / 2), (Holes / 2, Holes)])
        {
            Check(i => i >= from && i < to ? 3_000_000 + (ulong)i : Request + (ulong)i, from, to,
                new() { Align = align, Phase = phase, NoCross = noCross }, Bound);
        }
    }

    [Theory]
    [MemberData(nameof(Constraints))]
    public void Large_ones_outside_and_small_ones_inside(ulong align, ulong phase, ulong noCross)
    {
        foreach ((int from, int to) in ((int, int)[])[(Holes / 4, Holes * 3 / 4), (0, Holes / 2), (Holes / 2, Holes)])
        {
            Check(i => i >= from && i < to ? 1 + (ulong)(i % 999) : Request + (ulong)i, from, to,
                new() { Align = align, Phase = phase, NoCross = noCross }, Bound);
        }
    }

    /// <summary>In the window too short ones between longer ones than any outside. At either end the order by size alone tells.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(64)]
    public void Short_and_large_ones_by_turns_in_a_window_at_either_end(ulong align)
    {
        foreach ((int from, int to) in ((int, int)[])[(0, Holes / 2), (Holes / 2, Holes)])
        {
            Check(i => i < from || i >= to ? Request + (ulong)i : i % 2 == 0 ? 7 : 3_000_000 + (ulong)i, from, to,
                new() { Align = align }, Bound);
        }
    }

    [Theory]
    [MemberData(nameof(Constraints))]
    public void One_candidate_at_the_far_end(ulong align, ulong phase, ulong noCross)
    {
        foreach (int only in (int[])[Holes / 4, (Holes * 3 / 4) - 1])
        {
            Check(i => i == only ? 9_000_000 : i >= Holes / 4 && i < Holes * 3 / 4 ? 500 + (ulong)(i % 400) : Request + (ulong)i,
                Holes / 4, Holes * 3 / 4, new() { Align = align, Phase = phase, NoCross = noCross }, Bound);
        }
    }

    /// <summary>What is stated of the worst case: of each leaf of some 20 segments one step.</summary>
    [Fact]
    public void The_worst_case_is_one_step_for_a_dozen_segments()
    {
        (int from, int to) = (Holes / 4, Holes * 3 / 4);
        Check(i => i < from || i >= to ? Request + (ulong)((i * 7_919L) % Holes) : i % 2 == 0 ? 7 : 3_000_000 + (ulong)i, from, to,
            default, Holes / 12);
    }

    [Fact]
    public void After_churn()
    {
        var random = new Random(3);
        using SegmentMap<ulong> map = Map(i => Request + (ulong)i, out ulong[] starts);
        List<(ulong Start, ulong Size)> live = [];
        long worst = 0;
        for (int round = 0; round < 3_000; round++)
        {
            ulong size = 1 + (ulong)random.NextInt64(Holes);
            ulong min = starts[random.Next(Holes)];
            RangeConstraints<ulong> constraints = new()
            {
                Min = min,
                Max = min + (ulong)random.NextInt64(1, 1L << 34),
                Align = random.Next(3) == 0 ? 64u : 0u,
            };
            Placement<ulong> placement = new(size, constraints, 1);
            map.Reserve();
            _ = StepCounter.Take();
            uint free = map.FindConstrained(FitPolicy.BestFit, placement, out ulong start);
            worst = round < 10 ? 0 : Math.Max(worst, StepCounter.Take());
            if (round % 100 == 0)
            {
                AssertBest(map, placement, free, start);
            }

            if (free != 0)
            {
                map.Enlist(map.Carve(free, start, size));
                live.Add((start, size));
            }

            for (; live.Count > 500;)
            {
                int freed = random.Next(live.Count);
                map.Reserve();
                _ = map.Free(map.Delist(live[freed].Start, live[freed].Size));
                live[freed] = live[^1];
                live.RemoveAt(live.Count - 1);
            }
        }

        map.Validate();
        Assert.True(worst < Bound, $"{worst} steps");
    }

    private static void Check(Func<int, ulong> sizeOf, int from, int to, RangeConstraints<ulong> constraints, int bound)
    {
        using SegmentMap<ulong> map = Map(sizeOf, out ulong[] starts);
        ulong end = starts[^1] + sizeOf(Holes - 1);
        constraints = constraints with { Min = starts[from], Max = to == Holes ? end : starts[to] };
        Placement<ulong> placement = new(Request, constraints, 1);
        _ = map.FindConstrained(FitPolicy.BestFit, placement, out _);             // builds what it needs
        for (int i = 0; i < 20; i++)
        {
            _ = StepCounter.Take();
            uint free = map.FindConstrained(FitPolicy.BestFit, placement, out ulong start);
            long steps = StepCounter.Take();
            Assert.True(steps < bound, $"{steps} steps in [{from}, {to})");
            if (i % 10 == 0)
            {
                AssertBest(map, placement, free, start);
            }

            if (free != 0)
            {
                map.Reserve();
                map.Enlist(map.Carve(free, start, Request));
            }
        }

        map.Validate();
    }

    private static void AssertBest(SegmentMap<ulong> map, in Placement<ulong> placement, uint free, ulong start)
    {
        ulong size = ulong.MaxValue;
        ulong place = 0;
        foreach (Segment<ulong> segment in FreeSegments(map))
        {
            if (segment.Size < size && placement.TryLowest(segment.Start, segment.Start + (segment.Size - 1), out ulong lowest))
            {
                (size, place) = (segment.Size, lowest);
            }
        }

        Assert.Equal(size != ulong.MaxValue, free != 0);
        Assert.Equal(free == 0 ? 0 : place, free == 0 ? 0 : start);
    }

    private static IEnumerable<Segment<ulong>> FreeSegments(SegmentMap<ulong> map)
    {
        var segments = new Segment<ulong>[4_096];
        SegmentMap<ulong>.Position position = SegmentMap<ulong>.Position.First;
        while (position.More)
        {
            int count = map.CopySegments(ref position, segments);
            foreach (Segment<ulong> segment in segments[..count])
            {
                if (segment.Kind == SegmentKind.Free)
                {
                    yield return segment;
                }
            }
        }
    }

    /// <summary>Free segments of these sizes, between them one allocated unit each.</summary>
    private static SegmentMap<ulong> Map(Func<int, ulong> sizeOf, out ulong[] starts)
    {
        ulong end = 0;
        for (int i = 0; i < Holes; i++)
        {
            end += sizeOf(i) + 1;
        }

        SegmentMap<ulong> map = new(1);
        map.ReserveSpan(end);
        _ = map.AddSpan(0, end, imported: false);
        starts = new ulong[Holes];
        for (int i = 0; i < Holes; i++)
        {
            starts[i] = Take(map, sizeOf(i));
            _ = Take(map, 1);
        }

        for (int i = 0; i < Holes; i++)
        {
            _ = map.Free(map.Delist(starts[i], sizeOf(i)));
        }

        return map;
    }

    private static ulong Take(SegmentMap<ulong> map, ulong size)
    {
        map.Reserve();
        uint free = map.Find(FitPolicy.InstantFit, size, out ulong start, inSteps: false);
        map.Enlist(map.Carve(free, start, size));
        return start;
    }
}
