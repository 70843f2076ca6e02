using System.Globalization;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Vmem.Tests.Model;
using Xunit;

namespace Vmem.Tests.Policies;

/// <summary>Arenas whose own policy is oldest fit or random fit agree with the model, in which every value knows when it was
/// freed.</summary>
public class IdPolicyModelTests(ITestOutputHelper output)
{
    private const int Runs = 96;
    private const int StepsPerRun = 1_500;

    [Fact]
    public void Arenas_for_ids_agree_with_the_model()
    {
        long steps = 0;
        ArenaModelTests.RunAll(Runs, run =>
        {
            ArenaScenario scenario = Draw((ulong)run, run % 3 == 0 ? 256 : 65_536);
            ModelRun.Check(scenario, (run % 4) switch
            {
                _ when run % 3 == 0 => ArenaModelTests.AtTheTop<byte>,
                1 => ArenaModelTests.AtTheTop<ushort>,
                2 => ArenaModelTests.AtTheTop<ulong>,
                _ => ArenaModelTests.AtTheTop<UInt128>,
            }, $"seed {run}");
            Interlocked.Add(ref steps, scenario.Steps.Count);
        });
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps of arenas for IDs checked against the model"));
    }

    private static ArenaScenario Draw(ulong seed, int top)
    {
        SeededRandom random = new(seed);
        ArenaLayout layout = ArenaLayout.Draw(random, top, 128) with
        {
            Policy = random.Below(4) == 0 ? FitPolicy.RandomFit : FitPolicy.OldestFit,
            ReuseDelay = random.Below(4) == 0 ? 3 : 0,
            CutRestsShort = random.Below(2) == 0,
        };
        StepGenerator generator = new(random, layout, typicalCells: 3);
        int quantum = layout.Quantum;
        ArenaStep[] steps = [.. Enumerable.Range(0, StepsPerRun).Select(_ => OfOneQuantum(generator.Next(), quantum, random))];
        return new ArenaScenario(layout, steps);
    }

    /// <summary>Most requests are for one quantum, by the arena's own policy.</summary>
    private static ArenaStep OfOneQuantum(in ArenaStep step, int quantum, SeededRandom random) =>
        step.Kind is StepKind.Allocate or StepKind.AllocateHandle or StepKind.AllocateMany && random.Below(3) != 0
            ? step with { Size = quantum, Count = step.Kind == StepKind.AllocateMany ? step.Count : 4 } : step;
}
