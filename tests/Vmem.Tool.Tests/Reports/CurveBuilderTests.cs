using Vmem.Tool.Replay;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Reports;

/// <summary>Measurements of a process, brought to the points of a curve.</summary>
public sealed class CurveBuilderTests
{
    [Fact]
    public void A_point_has_the_most_of_its_samples_and_without_one_what_was_last()
    {
        ResidentSample[] samples = [new(2, 10), new(4, 70), new(5, 20), new(21, 90), new(23, 5)];
        Assert.Equal([70, 20, 20, 20, 90, 5], CurveBuilder.Stretch(samples, points: 6, eventsPerPoint: 5));
    }

    [Fact]
    public void Without_samples_it_is_flat() => Assert.Equal([0, 0], CurveBuilder.Stretch([], points: 2, eventsPerPoint: 1));
}
