using System.Globalization;
using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>Contexts agree with the naive model, whatever their features, with Validate() after each step.</summary>
public class ContextModelTests(ITestOutputHelper output)
{
    private const int StepsPerRun = 500;
    private const int RunsPerCombination = 6;

    /// <summary>Every combination of features that a context accepts, over all origins of memory.</summary>
    [Fact]
    public void Contexts_with_any_features_agree_with_the_model()
    {
        MemoryContextFeatures[] combinations = [.. FeatureCombinations.Accepted];
        int steps = 0;
        try
        {
            Parallel.For(0, combinations.Length * RunsPerCombination, run =>
            {
                ContextScenario scenario = ContextScenario.Draw((ulong)run, combinations[run % combinations.Length], StepsPerRun);
                ContextRun.Check(scenario, client => new ClientUnderTest(client), $"seed {run}");
                Interlocked.Add(ref steps, StepsPerRun);
            });
        }
        catch (AggregateException several)
        {
            throw several.InnerExceptions[0];
        }

        Assert.Equal(combinations.Length * RunsPerCombination * StepsPerRun, steps);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps checked against the model"));
    }
}
