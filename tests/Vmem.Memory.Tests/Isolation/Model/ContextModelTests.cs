using System.Globalization;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>Contexts agree with the naive model, whatever their features, with Validate() after each step.</summary>
public class ContextModelTests(ITestOutputHelper output)
{
    private const int StepsPerRun = 500;

    /// <summary>Every combination of features that a context accepts, over all origins of memory.</summary>
    [Fact]
    public void Contexts_with_any_features_agree_with_the_model() =>
        RunAll(Night.Scaled(6 * FeatureCombinations.Accepted.Count()), StepsPerRun, isLong: false);

    /// <summary>The same where clients take regions of several block sizes, of which one can empty and the next not.</summary>
    [Fact]
    public void Contexts_with_long_regions_agree_with_the_model() =>
        RunAll(Night.Scaled(FeatureCombinations.Accepted.Count()), 2 * StepsPerRun, isLong: true);

    /// <summary>On all cores; of several divergences one is enough.</summary>
    private void RunAll(int runs, int stepsPerRun, bool isLong)
    {
        MemoryContextFeatures[] combinations = [.. FeatureCombinations.Accepted];
        int steps = 0;
        ContextTally tally = new();
        try
        {
            Parallel.For(0, runs, run =>
            {
                ulong seed = Night.FirstSeed + (ulong)run;
                ContextScenario scenario = ContextScenario.Draw(seed, combinations[run % combinations.Length], stepsPerRun, isLong);
                ContextRun.Check(scenario, client => new ClientUnderTest(client), $"seed {seed}", tally);
                Interlocked.Add(ref steps, stepsPerRun);
            });
        }
        catch (AggregateException several)
        {
            throw several.InnerExceptions[0];
        }

        Assert.Equal(runs * stepsPerRun, steps);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps checked against the model: {tally}"));
        Assert.All(ContextTally.Cases, name => Assert.True(tally[name] > steps / 2_000, $"'{name}' happened only {tally[name]} times in {steps} steps."));
    }
}
