using Vmem.Testing.Driving;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>Runs a whole sequence of steps; on divergence finds the smallest sequence that still diverges, and says it as C#.</summary>
internal static class ContextRun
{
    /// <summary>Runs a scenario; throws <see cref="DivergenceException"/> with a minimal reproduction.</summary>
    public static void Check(ContextScenario scenario, Func<MemoryClient, ClientUnderTest> wrap, string origin, ContextTally? tally = null)
    {
        tally ??= new ContextTally();
        if (FindDivergence(scenario, wrap, tally, out int failedAt) is not { } first)
        {
            return;
        }

        ContextScenario smallest = ContextShrinker.Shrink(
            scenario.Take(failedAt + 1),
            candidate => FindDivergence(candidate, wrap, tally, out _) is not null);
        Exception cause = FindDivergence(smallest, wrap, tally, out _) ?? first;
        throw new DivergenceException($"{origin}: {cause.Message}\n{smallest.Steps.Count} of {scenario.Steps.Count} steps reproduce it:\n{smallest}\n{cause}");
    }

    /// <summary>The exception that the scenario ends in, or null. Anything that the context throws of its own is a divergence,
    /// too.</summary>
    private static Exception? FindDivergence(
        ContextScenario scenario,
        Func<MemoryClient, ClientUnderTest> wrap,
        ContextTally tally,
        out int failedAt)
    {
        failedAt = -1;
        try
        {
            using ContextDriver driver = new(scenario.Layout, wrap, tally);
            foreach (ContextStep step in scenario.Steps)
            {
                failedAt++;
                driver.Execute(step);
            }

            driver.Finish();
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
