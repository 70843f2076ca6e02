using System.Globalization;
using System.Numerics;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Vmem.Tests.Model;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>An arena with quantum caches agrees with the brute-force model: the same requests fail, what it hands out is free, what it says
/// is in use is in use; Validate() after each step.</summary>
public class CachedModelTests(ITestOutputHelper output)
{
    private const int Runs = 240;
    private const int StepsPerRun = 2_000;

    [Fact]
    public void Cached_arenas_agree_with_the_brute_force_model()
    {
        long steps = 0;
        try
        {
            Parallel.For(0, Runs, run =>
            {
                ArenaScenario scenario = Draw((ulong)run, run % 3 == 0 ? 256 : 65_536, strides: run % 2 == 0
                    && (run % 3 == 0 || run % 5 < 2));
                Func<ArenaLayout, IArenaUnderTest> make = (run % 5) switch
                {
                    _ when run % 3 == 0 => ArenaModelTests.AtTheTop<byte>,
                    0 or 1 => ArenaModelTests.AtTheTop<ushort>,
                    2 or 3 => ArenaModelTests.AtTheTop<ulong>,
                    _ => ArenaModelTests.AtTheTop<UInt128>,
                };
                ModelRun.Check(scenario, make, $"seed {run}");
                Interlocked.Add(ref steps, scenario.Steps.Count);
            });
        }
        catch (AggregateException several)
        {
            throw several.InnerExceptions[0];
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps of cached arenas checked against the model"));
    }

    /// <summary>As the other model tests draw, with small quanta so that an 8-bit type holds a slab, and without next fit.</summary>
    private static ArenaScenario Draw(ulong seed, int top, bool strides)
    {
        SeededRandom random = new(seed);
        ArenaLayout layout = ArenaLayout.Draw(random, top, 256, strides);
        int quantum = Divisor(layout.Quantum, !strides ? 2 : top == 256 ? 3 : 60);
        layout = layout with
        {
            Quantum = quantum,
            Policy = layout.Policy is FitPolicy.NextFit or > FitPolicy.LastFit ? FitPolicy.BestFit : layout.Policy,
            CacheMax = quantum * (1 + random.Below(8)),
        };
        StepGenerator generator = new(random, layout);
        ArenaStep[] steps = [.. Enumerable.Range(0, StepsPerRun).Select(_ => generator.Next())];
        return new ArenaScenario(layout, steps);
    }

    private static int Divisor(int one, int other) => (int)BigInteger.GreatestCommonDivisor(one, other);
}
