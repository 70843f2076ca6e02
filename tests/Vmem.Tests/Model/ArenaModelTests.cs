using System.Globalization;
using System.Numerics;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Model;

/// <summary>Acceptance 8: arenas agree with the brute-force model over millions of generated steps, every policy, every constraint,
/// Validate() after each step.</summary>
public class ArenaModelTests(ITestOutputHelper output)
{
    private const int StepsPerRun = 2_000;
    private const int StepsPerLargeRun = 4_000;
    private const int MaxCells = 128;

    /// <summary>
    /// Eight families of runs: 8 and 16 bits, whole quanta up to 16, up to several spans, half of them touching the top; two of them with
    /// quanta and alignments of 3, 12, 36 and 100; and the same number line moved to the top of the wider types.
    /// 2,560 runs of 2,000 steps are 5,120,000 checked steps. VMEM_SCALE asks for more, and VMEM_SEED where seeds begin.
    /// </summary>
    [Fact]
    [Trait("Once", "Release")]
    public void Millions_of_steps_agree_with_the_brute_force_model()
    {
        long steps = 0;
        int runs = Night.Scaled(2_560);
        RunAll(runs, run =>
        {
            ulong seed = Night.FirstSeed + (ulong)run;
            int checkedSteps = (run % 8) switch
            {
                0 or 1 => ModelRun.Check(seed, 256, MaxCells, StepsPerRun, AtTheTop<byte>, strides: run % 8 == 1),
                2 or 3 => ModelRun.Check(seed, 65_536, MaxCells, StepsPerRun, AtTheTop<ushort>, strides: run % 8 == 3),
                4 => ModelRun.Check(seed, 256, 256, StepsPerRun, AtTheTop<byte>),
                5 => ModelRun.Check(seed, 65_536, MaxCells, StepsPerRun, AtTheTop<uint>),
                6 => ModelRun.Check(seed, 65_536, MaxCells, StepsPerRun, AtTheTop<ulong>),
                _ => ModelRun.Check(seed, 256, MaxCells, StepsPerRun, AtTheTop<UInt128>),
            };
            Interlocked.Add(ref steps, checkedSteps);
        });
        Assert.Equal((long)runs * StepsPerRun, steps);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps checked against the model"));
    }

    /// <summary>Two thousand quanta in small pieces: hundreds of free segments, so that the indexes are several levels deep and their nodes
    /// split and join.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public void Large_arenas_in_small_pieces_agree_with_the_model()
    {
        long steps = 0;
        RunAll(Night.Scaled(24), run =>
        {
            ArenaLayout layout =
                new(65_536, 1, [new(63_488, 2_048, SegmentKind.Span), new(100, 100, SegmentKind.Span)], (FitPolicy)(run % 7), run % 2 == 0);
            ulong seed = Night.FirstSeed + (ulong)run;
            StepGenerator generator = new(new SeededRandom(seed), layout, typicalCells: 5);
            ArenaStep[] drawn = [.. Enumerable.Range(0, StepsPerLargeRun).Select(_ => generator.Next())];
            ModelRun.Check(new ArenaScenario(layout, drawn), run % 3 == 0 ? AtTheTop<ulong> : AtTheTop<ushort>, $"seed {seed}");
            Interlocked.Add(ref steps, drawn.Length);
        });
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps of large arenas checked against the model"));
    }

    /// <summary>The same with an audit, which takes other paths through the arena; fewer steps, as each captures a stack.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public void An_audited_arena_agrees_with_the_model()
    {
        long steps = 0;
        RunAll(Night.Scaled(48), run =>
        {
            ulong seed = Night.FirstSeed + (ulong)run;
            int checkedSteps = (run % 4) switch
            {
                0 => ModelRun.Check(seed, 256, MaxCells, StepsPerRun, Audited<byte>, strides: run % 8 == 4),
                1 => ModelRun.Check(seed, 65_536, MaxCells, StepsPerRun, Audited<ushort>, strides: run % 8 == 5),
                2 => ModelRun.Check(seed, 65_536, MaxCells, StepsPerRun, Audited<ulong>),
                _ => ModelRun.Check(seed, 256, MaxCells, StepsPerRun, Audited<UInt128>),
            };
            Interlocked.Add(ref steps, checkedSteps);
        });
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps of audited arenas checked against the model"));
    }

    [Fact]
    public void An_arena_over_all_256_values_agrees_with_the_model()
    {
        ArenaLayout layout =
            new(256, 1, [new(0, 128, SegmentKind.Span), new(128, 128, SegmentKind.Span)], FitPolicy.NextFit, SingleThreaded: true);
        for (ulong seed = 0; seed < (ulong)Night.Scaled(20); seed++)
        {
            StepGenerator generator = new(new SeededRandom(seed), layout);
            ArenaStep[] steps = [.. Enumerable.Range(0, StepsPerRun).Select(_ => generator.Next())];
            ModelRun.Check(new ArenaScenario(layout, steps), AtTheTop<byte>, $"seed {seed}");
        }
    }

    /// <summary>On all cores; of several divergences one is enough.</summary>
    internal static void RunAll(int runs, Action<int> run)
    {
        try
        {
            Parallel.For(0, runs, run);
        }
        catch (AggregateException several)
        {
            throw several.InnerExceptions[0];
        }
    }

    private static ArenaUnderTest<T> Audited<T>(ArenaLayout layout)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
            new(layout, T.MaxValue - T.CreateChecked(layout.Top - 1), audit: true);

    /// <summary>The model's number line ends where the type ends; for 8 and 16 bits it is the type's whole number line.</summary>
    internal static ArenaUnderTest<T> AtTheTop<T>(ArenaLayout layout)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
            new(layout, T.MaxValue - T.CreateChecked(layout.Top - 1));
}
