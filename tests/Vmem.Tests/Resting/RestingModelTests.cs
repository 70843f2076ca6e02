using System.Globalization;
using System.Numerics;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Resting;

/// <summary>Arenas in which whatever is freed rests, and whose rests may be cut short, agree with the brute-force model; audited ones,
/// too: few, as each call captures a stack, and without cuts, as an audit has batches freed in another order.</summary>
public class RestingModelTests(ITestOutputHelper output)
{
    private const int Runs = 160;
    private const int StepsPerRun = 2_000;

    [Fact]
    public void Arenas_that_delay_reuse_agree_with_the_model()
    {
        long steps = 0;
        try
        {
            Parallel.For(0, Runs, run =>
            {
                ArenaScenario scenario = Draw((ulong)run, run % 2 == 0 ? 256 : 65_536);
                ModelRun.Check(scenario, run % 2 == 0 ? AtTheTop<byte> : run % 4 == 1 ? AtTheTop<ulong> : AtTheTop<UInt128>, $"seed {run}");
                Interlocked.Add(ref steps, scenario.Steps.Count);
            });
        }
        catch (AggregateException several)
        {
            throw several.InnerExceptions[0];
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps checked against the model"));
    }

    private static ArenaScenario Draw(ulong seed, int top)
    {
        SeededRandom random = new(seed);
        ArenaLayout layout = ArenaLayout.Draw(random, top, 128);
        layout = layout with { ReuseDelay = random.Below(3) * 2, CutRestsShort = random.Below(2) == 0 };
        StepGenerator generator = new(random, layout);
        return new ArenaScenario(layout, [.. Enumerable.Range(0, StepsPerRun).Select(_ => generator.Next())]);
    }

    private static ArenaUnderTest<T> AtTheTop<T>(ArenaLayout layout)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
            new(layout, T.MaxValue - T.CreateChecked(layout.Top - 1), audit: layout is { Quantum: 8, CutRestsShort: false });
}
