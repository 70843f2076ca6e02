namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>Makes failing scenarios small, as <see cref="Vmem.Testing.Generation.StepShrinker"/> does with those of arenas.</summary>
internal static class ContextShrinker
{
    // Arbitrary: enough for a thousand steps to become a handful, and seldom more than ten seconds of work.
    private const int MaxSteps = 50_000;

    /// <summary>The smallest scenario found for which <paramref name="fails"/> holds; it must hold for the given one.</summary>
    public static ContextScenario Shrink(ContextScenario scenario, Func<ContextScenario, bool> fails)
    {
        int steps = 0;
        bool Fails(ContextScenario candidate)
        {
            steps += candidate.Steps.Count + 1;
            return steps < MaxSteps && fails(candidate);
        }

        ContextScenario before;
        do
        {
            before = scenario;
            scenario = DropSteps(scenario, Fails);
            scenario = Simpler(scenario).FirstOrDefault(Fails) ?? scenario;
        }
        while (!ReferenceEquals(before, scenario));
        return scenario;
    }

    private static ContextScenario DropSteps(ContextScenario scenario, Func<ContextScenario, bool> fails)
    {
        for (int length = scenario.Steps.Count / 2; length >= 1; length /= 2)
        {
            for (int start = scenario.Steps.Count - length; start >= 0; start -= length)
            {
                ContextScenario candidate =
                    scenario with { Steps = [.. scenario.Steps.Take(start), .. scenario.Steps.Skip(start + length)] };
                scenario = fails(candidate) ? candidate : scenario;
            }
        }

        return scenario;
    }

    /// <summary>As many steps, but the layout or one field simpler.</summary>
    private static IEnumerable<ContextScenario> Simpler(ContextScenario scenario)
    {
        ContextLayout layout = scenario.Layout;
        ContextLayout[] layouts = [layout with { Offset = 0 }, layout with { Size = layout.Size / layout.BlockSize * layout.BlockSize }];
        foreach (ContextLayout simpler in layouts.Where(simpler => simpler != layout))
        {
            yield return scenario with { Layout = simpler };
        }

        for (int i = 0; i < scenario.Steps.Count; i++)
        {
            ContextStep step = scenario.Steps[i];
            ContextStep[] candidates =
            [
                step with { Client = 0 },
                step with { Target = 0 },
                step with { Flavor = step.Flavor % 7 },
                step with { Flavor = 0 },
                step with { Size = 1 },
                step with { Size = step.Size / 2 },
                step with { Size = Math.Max(0, step.Size - 1) },
            ];
            foreach (ContextStep simpler in candidates.Where(simpler => simpler != step && simpler.Size <= step.Size))
            {
                yield return scenario with { Steps = [.. scenario.Steps.Take(i), simpler, .. scenario.Steps.Skip(i + 1)] };
            }
        }
    }
}
