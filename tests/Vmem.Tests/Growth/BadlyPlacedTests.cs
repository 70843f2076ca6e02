using System.Numerics;
using Vmem.Checks;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>Many free segments that are long enough, of which none, or few, have a place that satisfies the constraints.</summary>
[Trait("Once", "Release")]
public sealed class BadlyPlacedTests
{
    private const int Holes = 100_000;

    /// <summary>The sizes that best fit looks at first, with the leaves they lie in, and two searches in a tree of 10^5 entries.</summary>
    private const int Bound = 700;

    public static TheoryData<FitPolicy> Policies => [.. Enum.GetValues<FitPolicy>()];

    [Theory]
    [MemberData(nameof(Policies))]
    public void An_alignment_that_nothing_satisfies_fails_at_once(FitPolicy policy)
    {
        using Arena<ulong> arena = Holed(static _ => 40);
        foreach (ulong phase in (ulong[])[0, 2])
        {
            RangeConstraints<ulong> constraints = new() { Align = 64, Phase = phase };
            Assert.False(arena.TryAllocateConstrained(40, constraints, policy, out _));       // builds what it needs
            for (int i = 0; i < 100; i++)
            {
                Assert.True(Steps(() => Assert.False(arena.TryAllocateConstrained(40, constraints, policy, out _))) < Bound);
                Assert.True(Steps(() => Assert.Equal(FitFailure.Constraints, arena.Explain(40, constraints).Failure)) < Bound);
                ulong start = arena.Allocate(39);
                arena.Free(start, 39);
            }
        }

        arena.Validate();
    }

    /// <summary>Each hole is long enough, and has a multiple of 16 in its middle.</summary>
    [Theory]
    [MemberData(nameof(Policies))]
    public void A_boundary_that_each_hole_straddles_fails_at_once(FitPolicy policy)
    {
        using Arena<ulong> arena = new("straddling", 12, 16 * Holes, 1, new() { SingleThreaded = true });
        for (ulong start = 12; start < 16 * Holes; start += 16)
        {
            Assert.Equal(start, arena.Allocate(8));
            Assert.Equal(start + 8, arena.Allocate(8));
        }

        for (ulong start = 12; start < 16 * Holes; start += 16)
        {
            arena.Free(start, 8);
        }

        RangeConstraints<ulong> constraints = new() { NoCross = 16 };
        Assert.False(arena.TryAllocateConstrained(8, constraints, policy, out _));       // builds what it needs
        Assert.True(Steps(() => Assert.False(arena.TryAllocateConstrained(8, constraints, policy, out _))) < Bound);
        arena.Free(20 + (16 * 777), 8);
        ulong place = (16ul * 777) + (policy == FitPolicy.LastFit ? 24ul : 16ul);
        ulong found = 0;
        Assert.True(Steps(() => found = arena.AllocateConstrained(8, constraints, policy)) < Bound);
        Assert.True(policy > FitPolicy.LastFit ? found / 16 is 778 or 779 && found % 16 <= 8 : found == place, $"{policy}: {found}");
        arena.Validate();
    }

    /// <summary>A few alignments by turns are all known.</summary>
    [Fact]
    public void Four_alignments_are_known_at_a_time()
    {
        using Arena<ulong> arena = Holed(static _ => 40);
        long worst = 0;
        for (int round = 0; round < 3; round++)
        {
            for (int log = 6; log < 10; log++)
            {
                RangeConstraints<ulong> constraints = new() { Align = 1ul << log };
                long steps = Steps(() => Assert.False(arena.TryAllocateConstrained(40, constraints, FitPolicy.FirstFit, out _)));
                worst = round == 0 ? 0 : Math.Max(worst, steps);
            }
        }

        Assert.True(worst < Bound, $"{worst} steps");
    }

    /// <summary>The one place of 10^5 holes is found, from either side and under each policy.</summary>
    [Theory]
    [MemberData(nameof(Policies))]
    public void The_only_place_is_found_at_once(FitPolicy policy)
    {
        using Arena<ulong> arena = Holed(static _ => 40, extra: Holes / 2);
        ulong place = arena.GetSegments().Single(segment => segment.Kind == SegmentKind.Free && segment.Start % 64 == 0).Start;
        RangeConstraints<ulong> constraints = new() { Align = 64 };
        Assert.Equal(place, arena.AllocateConstrained(40, constraints, policy));
        Assert.False(arena.TryAllocateConstrained(40, constraints, policy, out _));       // builds what random fit may not have needed yet
        arena.Free(place, 40);
        for (int i = 0; i < 10; i++)
        {
            ulong start = 0;
            long steps = Steps(() => start = arena.AllocateConstrained(40, constraints, policy));
            Assert.True(steps < Bound, $"{steps} steps");
            Assert.Equal(place, start);
            arena.Free(start, 40);
        }
    }

    [Fact]
    public void Best_fit_in_a_window_without_a_candidate_fails_at_once()
    {
        using Arena<ulong> arena = Holed(static i => 1_000 + (ulong)i);
        ulong start = arena.Allocate(1_000, FitPolicy.LastFit);
        RangeConstraints<ulong> constraints = new() { Min = start, Max = start + 1_000 };
        Assert.False(arena.TryAllocateConstrained(1_000, constraints, FitPolicy.BestFit, out _));
        Assert.True(Steps(() => Assert.False(arena.TryAllocateConstrained(1_000, constraints, FitPolicy.BestFit, out _))) < Bound);
        arena.Free(start, 1_000);
        Assert.Equal(start, arena.AllocateConstrained(1_000, constraints, FitPolicy.BestFit));
    }

    /// <summary>The steps of best fit in a window of a hundredth: by size a hundred looks, by place a thousand.</summary>
    [Fact]
    public void Best_fit_in_a_window_looks_from_the_shorter_side()
    {
        var random = new Random(5);
        using Arena<ulong> arena = Holed(_ => 1_000 + (ulong)random.Next(100_000));
        ulong end = arena.GetStatistics().TotalSize;
        long worst = 0;
        for (int i = 0; i < 200; i++)
        {
            ulong size = 1_000 + (ulong)random.Next(100_000);
            ulong min = (ulong)random.NextInt64((long)(end / 100 * 99));
            RangeConstraints<ulong> constraints = new() { Min = min, Max = min + (end / (i % 2 == 0 ? 100ul : 10_000ul)) };
            long steps = Steps(() =>
            {
                if (arena.TryAllocateConstrained(size, constraints, FitPolicy.BestFit, out ulong start))
                {
                    arena.Free(start, size);
                }
            });
            worst = i == 0 ? 0 : Math.Max(worst, steps);
        }

        Assert.True(worst < Holes / 10, $"{worst} steps");
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Places_are_those_that_brute_force_finds(FitPolicy policy)
    {
        Compare<ulong>(policy, 1);
        Compare<uint>(policy, 4);
    }

    private static void Compare<T>(FitPolicy policy, uint quantum)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        var random = new Random((int)policy);
        const uint cells = 40_000;
        using Arena<T> arena = new("compared", T.Zero, T.CreateChecked(cells * quantum), T.CreateChecked(quantum));
        List<(T Start, T Size)> live = [];
        while (arena.TryAllocate(T.CreateChecked((1 + (uint)random.Next(9)) * quantum), FitPolicy.FirstFit, out T start)
            && arena.TryGetSegment(start, out Segment<T> segment))
        {
            live.Add((start, segment.Size));
        }

        for (int i = 0; i < 300; i++)
        {
            for (int change = 0; change < 12 && live.Count > 0; change++)
            {
                int freed = random.Next(live.Count);
                arena.Free(live[freed].Start, live[freed].Size);
                live.RemoveAt(freed);
            }

            uint align = 1u << random.Next(7);
            uint phase = random.Next(3) == 0 ? (uint)random.Next((int)align) : 0;
            uint min = random.Next(2) == 0 ? 0 : (uint)random.Next((int)cells);
            uint size = 1 + (uint)random.Next(12);
            RangeConstraints<T> constraints = new()
            {
                Align = T.CreateChecked(align * quantum),
                Phase = T.CreateChecked(phase * quantum),
                Min = T.CreateChecked(min * quantum),
                Max = min == 0 ? T.Zero : T.CreateChecked(Math.Min(cells, min + 4_000) * quantum),
                NoCross = random.Next(4) == 0 ? T.CreateChecked(256 * quantum) : T.Zero,
            };
            T rounded = T.CreateChecked(size * quantum);
            (T Start, T Size)[] places = [.. Places(arena, rounded, constraints, policy == FitPolicy.LastFit)];
            bool met = arena.TryAllocateConstrained(rounded, constraints, policy, out T found);
            Assert.Equal(places.Length != 0, met);
            if (met)
            {
                T least = places.Min(place => place.Size);
                switch (policy)
                {
                    case FitPolicy.FirstFit:
                        Assert.Equal(places.Min(place => place.Start), found);
                        break;
                    case FitPolicy.LastFit:
                        Assert.Equal(places.Max(place => place.Start), found);
                        break;
                    case FitPolicy.BestFit:
                        Assert.Equal(places.Where(place => place.Size == least).Min(place => place.Start), found);
                        break;
                }

                live.Add((found, rounded));
            }

            if (i % 60 == 0)
            {
                arena.Validate();
            }
        }
    }

    /// <summary>The lowest, or highest, place of each free segment, and the segment's size.</summary>
    private static IEnumerable<(T Start, T Size)> Places<T>(Arena<T> arena, T size, RangeConstraints<T> constraints, bool highest)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        foreach (Segment<T> free in arena.GetSegments())
        {
            T found = T.Zero;
            bool any = false;
            for (T start = free.Start; free.Kind == SegmentKind.Free && start - free.Start + size <= free.Size &&
                (highest || !any); start += arena.Quantum)
            {
                bool fits = (start & (constraints.Align - T.One)) == constraints.Phase
                    && start >= constraints.Min
                    && (T.IsZero(constraints.Max) || start + size <= constraints.Max)
                    && (T.IsZero(constraints.NoCross) || start / constraints.NoCross == (start + size - T.One) / constraints.NoCross);
                found = fits ? start : found;
                any |= fits;
            }

            if (any)
            {
                yield return (found, free.Size);
            }
        }
    }

    /// <summary>Holes of these sizes that begin three behind a multiple of 64, the extra one at a multiple.</summary>
    private static Arena<ulong> Holed(Func<int, ulong> sizeOf, int extra = -1)
    {
        var holes = new (ulong Start, ulong Size)[Holes];
        ulong next = 0;
        for (int i = 0; i < Holes; i++)
        {
            holes[i] = (((next + 64) & ~63ul) + (i == extra ? 0 : 3ul), sizeOf(i));
            next = holes[i].Start + holes[i].Size;
        }

        Arena<ulong> arena = new("holed", 0, next + 1, 1, new() { SingleThreaded = true });
        next = 0;
        foreach ((ulong start, ulong size) in holes)
        {
            Assert.Equal(next, arena.Allocate(start - next));
            Assert.Equal(start, arena.Allocate(size));
            next = start + size;
        }

        Assert.Equal(next, arena.Allocate(1));
        foreach ((ulong start, ulong size) in holes)
        {
            arena.Free(start, size);
        }

        return arena;
    }

    private static long Steps(Action action)
    {
        _ = StepCounter.Take();
        action();
        return StepCounter.Take();
    }
}
