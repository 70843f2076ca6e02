using Vmem.Testing.Generation;

namespace Vmem.Testing.Driving;

/// <summary>Runs a whole sequence of steps; on divergence makes the smallest sequence that still diverges, and says so as C#.</summary>
public static class ModelRun
{
    /// <summary>Draws a layout and <paramref name="count"/> steps from a seed and runs them. Returns how many steps were checked.</summary>
    public static int Check(
        ulong seed, int top, int maxCells, int count, Func<ArenaLayout, IArenaUnderTest> make, bool strides = false)
    {
        SeededRandom random = new(seed);
        ArenaLayout layout = ArenaLayout.Draw(random, top, maxCells, strides);
        StepGenerator generator = new(random, layout);
        ArenaStep[] steps = new ArenaStep[count];
        for (int i = 0; i < count; i++)
        {
            steps[i] = generator.Next();
        }

        Check(new ArenaScenario(layout, steps), make, $"seed {seed}");
        return count;
    }

    /// <summary>Runs a scenario; throws <see cref="DivergenceException"/> with a minimal reproduction.</summary>
    public static void Check(ArenaScenario scenario, Func<ArenaLayout, IArenaUnderTest> make, string origin)
    {
        if (FindDivergence(scenario, make, null, out int failedAt) is not null)
        {
            ArenaScenario smallest = StepShrinker.Shrink(
                scenario.Take(failedAt + 1),
                candidate => FindDivergence(candidate, make, null, out _) is not null);
            ReproductionWriter journal = new();
            Exception? cause = FindDivergence(smallest, make, journal, out _);
            throw new DivergenceException(
                $"{origin}, {smallest.Layout}: {cause?.Message ?? "the divergence did not happen again."}\n"
                + $"{smallest.Steps.Count} of {scenario.Steps.Count} steps reproduce it:\n{journal}\n{cause}");
        }
    }

    /// <summary>The exception that the scenario ends in, or null. Anything that the arena throws of its own is a divergence, too.</summary>
    public static Exception? FindDivergence(
        ArenaScenario scenario,
        Func<ArenaLayout, IArenaUnderTest> make,
        ReproductionWriter? journal,
        out int failedAt)
    {
        failedAt = -1;
        try
        {
            using IArenaUnderTest arena = make(scenario.Layout);
            arena.Journal = journal;
            ArenaDriver driver = new(scenario.Layout, arena);
            foreach (ArenaStep step in scenario.Steps)
            {
                failedAt++;
                driver.Execute(step);
            }

            return null;
        }
#pragma warning disable CA1031 // Whatever escapes is the finding.
        catch (Exception divergence)
#pragma warning restore CA1031
        {
            return divergence;
        }
    }
}
