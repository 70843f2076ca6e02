using Vmem.Testing.Generation;

namespace Vmem.Memory.Tests.Heap.Model;

/// <summary>What is done to some heaps.</summary>
/// <param name="Heaps">How many of them there are.</param>
/// <param name="Limit">Their limit; 0 if they have none.</param>
/// <param name="Steps">The calls.</param>
internal sealed record HeapScenario(int Heaps, int Limit, IReadOnlyList<HeapStep> Steps)
{
    public static HeapScenario Draw(SeededRandom random, int steps) =>
        new(1 + random.Below(3), random.Below(2) == 0 ? 0 : (2 + random.Below(8)) << 20, [.. DrawSteps(random, steps)]);

    /// <summary>The smallest scenario found for which <paramref name="fails"/> holds: fewer steps, then simpler ones.</summary>
    public static HeapScenario Shrink(HeapScenario scenario, Func<HeapScenario, bool> fails)
    {
        for (int length = Math.Max(1, scenario.Steps.Count / 2); length >= 1; length /= 2)
        {
            for (int start = scenario.Steps.Count - length; start >= 0; start -= length)
            {
                HeapScenario candidate = scenario with { Steps = [.. scenario.Steps.Take(start), .. scenario.Steps.Skip(start + length)] };
                scenario = fails(candidate) ? candidate : scenario;
            }
        }

        HeapScenario single = scenario with { Heaps = 1 };
        scenario = fails(single) ? single : scenario;
        for (int i = 0; i < scenario.Steps.Count; i++)
        {
            HeapStep step = scenario.Steps[i];
            foreach (HeapStep simpler in (HeapStep[])[
                step with { Size = 16 },
                step with { Target = 0 },
                step with { AlignShift = 0 },
                step with { Heap = 0 }
            ])
            {
                HeapStep[] steps = [.. scenario.Steps];
                steps[i] = simpler;
                HeapScenario candidate = scenario with { Steps = steps };
                scenario = simpler != step && fails(candidate) ? candidate : scenario;
            }
        }

        return scenario;
    }

    public override string ToString() => $"{Heaps} heaps, limit {Limit}\n{string.Join('\n', Steps)}";

    private static IEnumerable<HeapStep> DrawSteps(SeededRandom random, int count)
    {
        bool filling = true;
        for (int i = 0; i < count; i++)
        {
            filling = random.Below(100) == 0 ? !filling : filling;
            int draw = random.Below(1_000);
            HeapStepKind kind =
                draw < (filling ? 300 : 100) ? HeapStepKind.Allocate :
                draw < (filling ? 400 : 150) ? HeapStepKind.AllocateZeroed :
                draw < (filling ? 470 : 180) ? HeapStepKind.AllocateAligned :
                draw < (filling ? 550 : 200) ? HeapStepKind.TryAllocate :
                draw < 650 ? HeapStepKind.Free :
                draw < 780 ? HeapStepKind.FreeSized :
                draw < 900 ? HeapStepKind.Reallocate :
                draw < 920 ? HeapStepKind.FreeWrong :
                draw < 960 ? HeapStepKind.Ask :
                draw < 975 ? HeapStepKind.Trim :
                draw < 985 ? HeapStepKind.EndInterval :
                draw < 998 ? HeapStepKind.Verify : HeapStepKind.DisposeHeap;
            yield return new HeapStep(
                kind,
                random.Below(3),
                random.Below(1 << 20),
                DrawSize(random),
                random.Below(random.Below(8) == 0 ? 22 : 13));
        }
    }

    private static int DrawSize(SeededRandom random) => random.Below(20) switch
    {
        < 8 => random.Below(80),
        < 14 => random.Below(2_000),
        < 18 => random.Below(40_000),
        18 => random.Below(300_000),
        _ => 1 << random.Below(21),
    };
}
