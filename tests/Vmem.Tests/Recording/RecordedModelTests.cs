using System.Globalization;
using System.Numerics;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Recording;

/// <summary>A recorded arena agrees with the brute-force model, as any other does, and its recording with the arena: generated sequences
/// of every call, with caches and without.</summary>
public class RecordedModelTests(ITestOutputHelper output)
{
    private const int Runs = 96;
    private const int StepsPerRun = 1_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_recorded_arena_agrees_with_the_model_and_its_recording_with_it(bool cached)
    {
        long steps = 0;
        try
        {
            Parallel.For(0, Runs, run =>
            {
                ArenaScenario scenario = Draw((ulong)run, run % 4 == 0 ? 256 : 65_536, cached, strides: !cached && run % 8 < 2);
                Func<ArenaLayout, IArenaUnderTest> make = (run % 4) switch
                {
                    0 => Recorded<byte>,
                    1 => Recorded<ushort>,
                    2 => Recorded<ulong>,
                    _ => Recorded<UInt128>,
                };
                ModelRun.Check(scenario, make, $"seed {run}");
                Interlocked.Add(ref steps, scenario.Steps.Count);
            });
        }
        catch (AggregateException several)
        {
            throw several.InnerExceptions[0];
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps of recorded arenas checked against the model"));
    }

    private static ArenaUnderTest<T> Recorded<T>(ArenaLayout layout)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
            new(layout, T.MaxValue - T.CreateChecked(layout.Top - 1), record: true);

    private static ArenaScenario Draw(ulong seed, int top, bool cached, bool strides)
    {
        SeededRandom random = new(seed);
        ArenaLayout layout = ArenaLayout.Draw(random, top, 128, strides);
        if (cached)
        {
            int quantum = Math.Min(layout.Quantum, 2);
            FitPolicy policy = layout.Policy is FitPolicy.NextFit or > FitPolicy.LastFit ? FitPolicy.BestFit : layout.Policy;
            layout = layout with { Quantum = quantum, Policy = policy, CacheMax = quantum * (1 + random.Below(8)) };
        }

        StepGenerator generator = new(random, layout);
        return new ArenaScenario(layout, [.. Enumerable.Range(0, StepsPerRun).Select(_ => generator.Next())]);
    }
}
