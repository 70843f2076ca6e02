// Theory. Steps mean something in every state, so shrinking needs no knowledge of arenas: drop runs of steps, long ones first (the "ddmin"
// of Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002), then make the fields of each remaining step
// simpler, and keep whatever still fails.
namespace Vmem.Testing.Generation;

/// <summary>Makes failing scenarios small.</summary>
public static class StepShrinker
{
    // Arbitrary: enough for a 2,000-step sequence to become minimal, and at most some ten seconds of work.
    private const int MaxSteps = 300_000;

    /// <summary>The smallest scenario found for which <paramref name="fails"/> holds; it must hold for the given one.</summary>
    public static ArenaScenario Shrink(ArenaScenario scenario, Func<ArenaScenario, bool> fails)
    {
        int steps = 0;
        bool Fails(ArenaScenario candidate)
        {
            steps += candidate.Steps.Count + 1;
            return steps < MaxSteps && fails(candidate);
        }

        ArenaScenario before;
        do
        {
            before = scenario;
            scenario = DropSteps(scenario, Fails);
            foreach (ArenaScenario candidate in Simpler(scenario))
            {
                if (Fails(candidate))
                {
                    scenario = candidate;
                    break;
                }
            }
        }
        while (!ReferenceEquals(before, scenario));
        return scenario;
    }

    /// <summary>Scenarios that are a little simpler, the boldest first.</summary>
    public static IEnumerable<ArenaScenario> Candidates(ArenaScenario scenario)
    {
        for (int length = scenario.Steps.Count / 2; length >= 1; length /= 2)
        {
            for (int start = scenario.Steps.Count - length; start >= 0; start -= length)
            {
                yield return Without(scenario, start, length);
            }
        }

        foreach (ArenaScenario simpler in Simpler(scenario))
        {
            yield return simpler;
        }
    }

    private static ArenaScenario DropSteps(ArenaScenario scenario, Func<ArenaScenario, bool> fails)
    {
        for (int length = scenario.Steps.Count / 2; length >= 1; length /= 2)
        {
            for (int start = scenario.Steps.Count - length; start >= 0; start -= length)
            {
                ArenaScenario candidate = Without(scenario, start, length);
                scenario = fails(candidate) ? candidate : scenario;
            }
        }

        return scenario;
    }

    private static ArenaScenario Without(ArenaScenario scenario, int start, int length) =>
        scenario with { Steps = [.. scenario.Steps.Take(start), .. scenario.Steps.Skip(start + length)] };

    /// <summary>As many steps, but a span fewer or a field simpler.</summary>
    private static IEnumerable<ArenaScenario> Simpler(ArenaScenario scenario)
    {
        for (int i = 0; i < scenario.Layout.Spans.Count; i++)
        {
            yield return scenario with
            {
                Layout = scenario.Layout with { Spans = [.. scenario.Layout.Spans.Where((_, index) => index != i)] }
            };
        }

        for (int i = 0; i < scenario.Steps.Count; i++)
        {
            foreach (ArenaStep simpler in Simplify(scenario.Steps[i]))
            {
                ArenaStep[] steps = [.. scenario.Steps];
                steps[i] = simpler;
                yield return scenario with { Steps = steps };
            }
        }
    }

    private static IEnumerable<ArenaStep> Simplify(ArenaStep step)
    {
        ArenaStep[] candidates =
        [
            step with { Constraints = default },
            step with { Constraints = step.Constraints with { Min = 0 } },
            step with { Constraints = step.Constraints with { Max = 0 } },
            step with { Constraints = step.Constraints with { NoCross = 0 } },
            step with { Constraints = step.Constraints with { Phase = 0 } },
            step with { Constraints = step.Constraints with { Align = 0, Phase = 0 } },
            step with { Target = 0 },
            step with { Count = 1 },
            step with { Flavor = 0 },
            step with { Flavor = Math.Min(step.Flavor, 3) },
            step with { Size = Math.Min(step.Size, 1) },
            step with { Size = step.Size / 2 },
            step with { Size = Math.Max(step.Size - 1, 0) },
            step with { Value = step.Value / 2 },
        ];
        return candidates.Where(candidate => candidate != step);
    }
}
