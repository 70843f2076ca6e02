using System.Numerics;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Vmem.Tests.Growth;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Few steps against the model for each kind of arena: what <c>ArenaModelTests</c> do with millions. For runs that have
/// no time, such as those of mutants.</summary>
public sealed class QuickModelTests
{
    private const int Steps = 200;

    [Fact]
    public void A_few_steps_of_each_kind_agree_with_the_model()
    {
        _ = ModelRun.Check(1, 256, 128, Steps, AtTheTop<byte>);
        _ = ModelRun.Check(2, 256, 256, Steps, AtTheTop<byte>, strides: true);
        _ = ModelRun.Check(3, 65_536, 128, Steps, AtTheTop<ushort>, strides: true);
        _ = ModelRun.Check(4, 65_536, 128, Steps, AtTheTop<ulong>);
        _ = ModelRun.Check(5, 256, 128, Steps, AtTheTop<UInt128>);
    }

    /// <summary>Hundreds of free segments, in indexes of several nodes.</summary>
    [Theory]
    [InlineData(FitPolicy.InstantFit)]
    [InlineData(FitPolicy.BestFit)]
    [InlineData(FitPolicy.NextFit)]
    [InlineData(FitPolicy.OldestFit)]
    public void A_few_steps_in_small_pieces_agree_with_the_model(FitPolicy policy)
    {
        ArenaLayout layout =
            new(65_536, 1, [new(64_536, 1_000, SegmentKind.Span), new(100, 100, SegmentKind.Span)], policy, SingleThreaded: true);
        StepGenerator generator = new(new SeededRandom((ulong)policy), layout, typicalCells: 4);
        ArenaStep[] steps = [.. Enumerable.Range(0, 2 * Steps).Select(_ => generator.Next())];
        ModelRun.Check(new ArenaScenario(layout, steps), AtTheTop<ushort>, $"{policy}");
    }

    /// <summary>What <c>CrossedMechanismsTests</c> do for longer.</summary>
    [Fact]
    public void All_mechanisms_together_answer_as_brute_force_does()
    {
        new Crossing<byte>(11, 1, byte.MaxValue, 1).Run(12);
        new Crossing<ushort>(12, 2, 600, 2).Run(6);
        new Crossing<ulong>(13, ulong.MaxValue - ((1ul << 12) - 1), 1 << 10, 4).Run(4);
    }

    private static ArenaUnderTest<T> AtTheTop<T>(ArenaLayout layout)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
            new(layout, T.MaxValue - T.CreateChecked(layout.Top - 1));
}
