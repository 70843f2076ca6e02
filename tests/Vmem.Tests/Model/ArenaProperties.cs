using FsCheck;
using FsCheck.Fluent;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Vmem.Testing.Model;
using Xunit;

namespace Vmem.Tests.Model;

/// <summary>The same comparison as FsCheck properties: other seeds in each run, and FsCheck's own shrinking.</summary>
public class ArenaProperties
{
    private static readonly Config s_config = Config.QuickThrowOnFailure.WithMaxTest(300).WithQuietOnSuccess(true);

    [Fact]
    public void An_8_bit_arena_agrees_with_the_model() =>
        Prop.ForAll(ArenaGenerators.Scenarios(256, 128, 300), scenario => Agrees(scenario, ArenaModelTests.AtTheTop<byte>)).Check(s_config);

    [Fact]
    public void A_16_bit_arena_agrees_with_the_model() =>
        Prop.ForAll(ArenaGenerators.Scenarios(65_536, 128, 300), scenario => Agrees(scenario, ArenaModelTests.AtTheTop<ushort>))
            .Check(s_config);

    [Fact]
    public void A_native_sized_arena_agrees_with_the_model() =>
        Prop.ForAll(ArenaGenerators.Scenarios(65_536, 128, 300), scenario => Agrees(scenario, ArenaModelTests.AtTheTop<nuint>))
            .Check(s_config);

    /// <summary>A fresh 8-bit arena of one span answers any single request as the model does, well formed or not.</summary>
    [Fact]
    public void Any_request_to_a_fresh_arena_is_answered_as_the_model_answers_it() =>
        Prop.ForAll(ArenaGenerators.Requests(), request =>
        {
            ArenaLayout layout = new(256, 1, [new ModelSegment(1, 255, SegmentKind.Span)], FitPolicy.FirstFit, SingleThreaded: true);
            IEnumerable<ArenaStep> steps = Enum.GetValues<FitPolicy>().Select(
                policy => new ArenaStep(StepKind.AllocateConstrained, policy, request.Size, 0, 0, 1, 3, request.Constraints));
            return Agrees(new ArenaScenario(layout, [.. steps]), ArenaModelTests.AtTheTop<byte>);
        }).Check(s_config.WithMaxTest(5_000));

    /// <summary>Throws on divergence, so that FsCheck reports the message beside the shrunk scenario.</summary>
    private static bool Agrees(ArenaScenario scenario, Func<ArenaLayout, IArenaUnderTest> make) =>
        ModelRun.FindDivergence(scenario, make, null, out _) is { } divergence ? throw divergence : true;
}
