using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Vmem.Testing.Model;
using Xunit;

namespace Vmem.Tests.Model;

/// <summary>The model tests are worth what their driver finds: it must accept the model itself, and find and shrink every planted
/// fault.</summary>
public class DriverTests
{
    [Fact]
    public void The_model_does_not_diverge_from_itself()
    {
        for (ulong seed = 0; seed < 60; seed++)
        {
            ModelRun.Check(seed, seed % 2 == 0 ? 256 : 65_536, 128, 500, layout => new ModelUnderTest(layout));
        }
    }

    public static TheoryData<string, Func<ArenaLayout, IArenaUnderTest>> PlantedFaults => new()
    {
        { "a range that ends at the top of the type is never found", layout => new MissesTheTop(layout) },
        { "align is honoured, phase is not", layout => new IgnoresPhase(layout) },
        { "best fit takes the first fit", layout => new BestIsFirst(layout) },
        { "a free of the wrong size is accepted", layout => new AcceptsAnySize(layout) },
        { "a wrong batch frees the ones before the wrong one", layout => new FreesHalfABatch(layout) },
        { "failures are not counted", layout => new ForgetsFailures(layout) },
    };

    [Theory]
    [MemberData(nameof(PlantedFaults), DisableDiscoveryEnumeration = true)]
    public void A_planted_fault_is_found_and_shrunk(string fault, Func<ArenaLayout, IArenaUnderTest> make)
    {
        // Of three reproductions the shortest: a step that allocates much is not always shrunk to one that allocates little.
        int shortest = int.MaxValue;
        string message = "";
        int found = 0;
        for (ulong seed = 0; seed < 200 && found < 3; seed++)
        {
            try
            {
                ModelRun.Check(seed, 256, 64, 1_000, make);
            }
            catch (DivergenceException divergence)
            {
                found++;
                int steps = int.Parse(divergence.Message.Split('\n')[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
                (shortest, message) = steps < shortest ? (steps, divergence.Message) : (shortest, message);
            }
        }

        Assert.True(found > 0, $"Not found: {fault}");
        Assert.True(shortest <= 6, message);
    }

    private sealed class MissesTheTop(ArenaLayout layout) : ModelUnderTest(layout)
    {
        public override Outcome AllocateConstrained(int size, in ModelConstraints constraints, FitPolicy policy, int flavor)
        {
            Outcome place = Model.FindPlace(size, constraints, policy);
            return place.Kind == OutcomeKind.Done && place.Value + Model.RoundUp(size) == Model.Top
                ? Outcome.Refused
                : base.AllocateConstrained(size, constraints, policy, flavor);
        }
    }

    private sealed class IgnoresPhase(ArenaLayout layout) : ModelUnderTest(layout)
    {
        public override Outcome AllocateConstrained(int size, in ModelConstraints constraints, FitPolicy policy, int flavor) =>
            base.AllocateConstrained(size, constraints with { Phase = 0 }, policy, flavor);
    }

    private sealed class BestIsFirst(ArenaLayout layout) : ModelUnderTest(layout)
    {
        public override Outcome AllocateConstrained(int size, in ModelConstraints constraints, FitPolicy policy, int flavor) =>
            base.AllocateConstrained(size, constraints, policy == FitPolicy.BestFit ? FitPolicy.FirstFit : policy, flavor);
    }

    private sealed class AcceptsAnySize(ArenaLayout layout) : ModelUnderTest(layout)
    {
        public override Outcome Free(int start, int size, int flavor) =>
            Model.JudgeFree(start, size) == Outcome.BadFree(InvalidFreeReason.WrongSize)
                && Model.TryGetSegment(start, out ModelSegment segment)
                ? base.Free(start, segment.Size, flavor)
                : base.Free(start, size, flavor);
    }

    private sealed class FreesHalfABatch(ArenaLayout layout) : ModelUnderTest(layout)
    {
        public override Outcome FreeMany(ReadOnlySpan<int> starts, int size)
        {
            foreach (int start in starts)
            {
                Outcome outcome = Free(start, size, 0);
                if (outcome.Kind != OutcomeKind.Done)
                {
                    return outcome;
                }
            }

            return Outcome.Done();
        }
    }

    private sealed class ForgetsFailures(ArenaLayout layout) : ModelUnderTest(layout)
    {
        public override ModelStatistics GetStatistics() => base.GetStatistics() with { Failures = 0 };
    }
}
