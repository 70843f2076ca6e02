using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Model;

public class OverAllModelTests
{
    /// <summary>As many steps as the naive model can check: an arena over all 256 values that begins with one span.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [Trait("Once", "Release")]
    public void It_agrees_with_the_model(int cacheMax)
    {
        for (ulong seed = 0; seed < 30; seed++)
        {
            int quantum = seed % 3 == 0 && cacheMax == 0 ? 4 : 1;
            FitPolicy policy = (FitPolicy)(seed % 5);
            policy = cacheMax > 0 && policy is FitPolicy.NextFit or > FitPolicy.LastFit ? FitPolicy.BestFit : policy;
            ArenaLayout layout = new(256, quantum, [], policy, SingleThreaded: seed % 2 == 0, cacheMax * quantum, IsWhole: true);
            StepGenerator generator = new(new SeededRandom(seed), layout with { Spans = [new(0, 252, SegmentKind.Span)] });
            ArenaStep[] steps = [.. Enumerable.Range(0, 2_000).Select(_ => generator.Next())];
            ModelRun.Check(new ArenaScenario(layout, steps), ArenaModelTests.AtTheTop<byte>, $"seed {seed}");
        }
    }
}
