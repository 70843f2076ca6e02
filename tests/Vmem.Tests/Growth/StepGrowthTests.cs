using Vmem.Checks;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>
/// How the counted steps of an operation (tags, nodes and chain links visited) grow with the number of live segments. Steps do not depend
/// on the machine or its load,
/// so that the promises of constant and logarithmic cost can be asserted.
/// </summary>
public sealed class StepGrowthTests
{
    private const int Operations = 20_000;

    [Fact]
    public void Steps_are_counted_in_the_tests() => Assert.True(StepCounter.Enabled, "The switch Vmem.CountSteps of the test project's runtime configuration is not set.");

    [Fact]
    [Trait("Once", "Release")]
    public void Instant_fit_takes_no_more_steps_at_a_million_segments_than_at_a_thousand()
    {
        Cost small = Measure(1_000, FitPolicy.InstantFit, default);
        Cost large = Measure(1_000_000, FitPolicy.InstantFit, default);
        Assert.True(large.Average < small.Average * 1.2, $"{small} at 10^3, {large} at 10^6");
    }

    [Theory]
    [InlineData(FitPolicy.BestFit)]
    [InlineData(FitPolicy.FirstFit)]
    [InlineData(FitPolicy.LastFit)]
    [InlineData(FitPolicy.NextFit)]
    [Trait("Once", "Release")]
    public void The_other_policies_take_steps_like_the_logarithm(FitPolicy policy)
    {
        Cost small = Measure(1_000, policy, default);
        Cost large = Measure(1_000_000, policy, default);

        // log(10^6) / log(10^3) = 2, and one tree level more or less at either end.
        Assert.True(large.Average < small.Average * 3, $"{small} at 10^3, {large} at 10^6");
        Assert.True(large.Worst < 200, $"one operation took {large.Worst} steps");
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(64, false)]
    [InlineData(64, true)]
    public void A_constrained_request_takes_steps_like_the_logarithm(int align, bool window)
    {
        Cost small = Measure(1_000, FitPolicy.InstantFit, Constraints(1_000, align, window));
        Cost large = Measure(100_000, FitPolicy.InstantFit, Constraints(100_000, align, window));
        Assert.True(large.Average < (small.Average * 3) + 20, $"{small} at 10^3, {large} at 10^5");
    }

    /// <summary>The table of live segments grows by one bucket at a time and the tags by a block that is not copied: no single allocation
    /// does what others need not.</summary>
    [Fact]
    public void No_single_allocation_of_a_growing_arena_takes_many_steps()
    {
        const int segments = 1_000_000;
        using var arena = new Arena<ulong>("growing", 0, segments, 1, new ArenaOptions<ulong> { SingleThreaded = true });
        long worst = 0;
        for (int i = 0; i < segments; i++)
        {
            _ = StepCounter.Take();
            _ = arena.Allocate(1);
            worst = Math.Max(worst, StepCounter.Take());
        }

        Assert.True(worst < 40, $"one allocation took {worst} steps");
    }

    /// <summary>A large quantum makes no operation slower. Starts are hashed under a secret: so the counts are nearly the same.</summary>
    [Theory]
    [InlineData(FitPolicy.InstantFit)]
    [InlineData(FitPolicy.BestFit)]
    [InlineData(FitPolicy.FirstFit)]
    [InlineData(FitPolicy.NextFit)]
    public void A_quantum_changes_no_count_of_steps(FitPolicy policy)
    {
        long small = Churn(1);
        Assert.InRange(Churn(4_096), small * 0.9, small * 1.1);
        Assert.InRange(Churn(12), small * 0.9, small * 1.1);

        long Churn(ulong quantum)
        {
            ArenaOptions<ulong> options = new() { SingleThreaded = true, Policy = policy };
            using Arena<ulong> arena = new("quanta", 0, 40_000 * quantum, quantum, options);
            Random random = new(1);
            List<(ulong Start, ulong Size)> live = [];
            _ = StepCounter.Take();
            for (int i = 0; i < 30_000; i++)
            {
                ulong size = quantum * (ulong)random.Next(1, 65);
                if (random.Next(2) == 0 && arena.TryAllocate(size, out ulong start))
                {
                    live.Add((start, size));
                }
                else if (live.Count > 0)
                {
                    int which = random.Next(live.Count);
                    arena.Free(live[which].Start, live[which].Size);
                    live[which] = live[^1];
                    live.RemoveAt(live.Count - 1);
                }
            }

            return StepCounter.Take();
        }
    }

    private static RangeConstraints<ulong> Constraints(int live, int align, bool window)
    {
        ulong capacity = 65 * (ulong)live;
        return new RangeConstraints<ulong> { Align = (ulong)align, Min = window ? capacity / 4 : 0, Max = window ? capacity / 4 * 3 : 0 };
    }

    /// <summary>Fills an arena to half, churns it, and counts the steps of pairs of a free and an allocation (constrained: of an allocation
    /// and its free). Instant fit does most of the filling and churning, as it is the quickest.</summary>
    private static Cost Measure(int live, FitPolicy policy, RangeConstraints<ulong> constraints)
    {
        using var arena = new Arena<ulong>("measured", 0, 65 * (ulong)live, 1, new ArenaOptions<ulong> { SingleThreaded = true });
        var random = new Random(live);
        var ranges = new (ulong Start, ulong Size)[live];
        for (int i = 0; i < live; i++)
        {
            ranges[i] = Allocate(arena, random, FitPolicy.InstantFit, default);
        }

        for (int i = 0; i < live; i++)
        {
            Replace(FitPolicy.InstantFit);
        }

        for (int i = 0; i < Operations; i++)
        {
            Replace(policy);
        }

        var cost = default(Cost);
        for (int i = 0; i < Operations; i++)
        {
            _ = StepCounter.Take();
            if (constraints == default)
            {
                Replace(policy);
            }
            else
            {
                // Freed at once, or the window would fill up.
                (ulong start, ulong size) = Allocate(arena, random, policy, constraints);
                arena.Free(start, size);
            }

            cost = cost.With(StepCounter.Take());
        }

        arena.Validate();
        return cost;

        void Replace(FitPolicy by)
        {
            ref (ulong Start, ulong Size) range = ref ranges[random.Next(live)];
            arena.Free(range.Start, range.Size);
            range = Allocate(arena, random, by, default);
        }
    }

    private static (ulong Start, ulong Size) Allocate(
        Arena<ulong> arena,
        Random random,
        FitPolicy policy,
        RangeConstraints<ulong> constraints)
    {
        ulong size = (ulong)random.Next(1, 65);
        return (constraints == default ? arena.Allocate(size, policy) : arena.AllocateConstrained(size, constraints, policy), size);
    }

    private readonly record struct Cost(long Steps, long Operations, long Worst)
    {
        public double Average => (double)Steps / Operations;

        public Cost With(long steps) => new(Steps + steps, Operations + 1, Math.Max(Worst, steps));

        public override string ToString() => $"{Average:F2} steps on average, {Worst} at worst";
    }
}
