using Vmem.Tool.Replay;

namespace Vmem.Tool.Tests.Replay;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Percentiles_are_within_a_thirty_second_of_the_sorted_samples()
    {
        var random = new Random(11);
        var histogram = new LatencyHistogram();
        var samples = new List<long>();
        for (int index = 0; index < 20_000; index++)
        {
            long value = (long)Math.Pow(2, random.NextDouble() * 40);
            histogram.Add(value);
            samples.Add(value);
        }

        samples.Sort();
        foreach (double part in new[] { 0.001, 0.25, 0.5, 0.9, 0.999, 1 })
        {
            long exact = samples[(int)Math.Ceiling(part * samples.Count) - 1];
            long read = histogram.Percentile(part);
            Assert.InRange(read, exact - (exact / 32), exact);
        }
    }

    [Fact]
    public void Small_values_are_exact_and_edges_do_not_overflow()
    {
        for (long value = 0; value < 64; value++)
        {
            Assert.Equal(value, Of(value).Percentile(0.5));
        }

        Assert.Equal(64, Of(65).Percentile(0.5));
        Assert.Equal(0, Of(-5).Percentile(0.5));
        Assert.InRange(Of(long.MaxValue).Percentile(0.5), long.MaxValue - (long.MaxValue / 32), long.MaxValue);
        Assert.Equal(0, new LatencyHistogram().Percentile(0.5));
    }

    private static LatencyHistogram Of(long value)
    {
        var histogram = new LatencyHistogram();
        histogram.Add(value);
        return histogram;
    }
}
