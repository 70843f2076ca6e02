using Vmem.Memory.Heap;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>How many blocks pass between two samples.</summary>
public class SampleRateTests
{
    /// <summary>One in so many on average, and each block as likely as another: of the gaps, as many are 0 as blocks are samples.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(1_000)]
    public void One_in_so_many_passes(int every)
    {
        SampleRate rate = new(every, seed: 5);
        int[] gaps = [.. Enumerable.Range(0, 100_000).Select(_ => rate.Next())];
        Assert.InRange(gaps.Average(), (every - 1) * 0.98, (every - 1) * 1.02);
        double expected = gaps.Length / (double)every;
        Assert.InRange(gaps.Count(gap => gap == 0), expected - (4 * Math.Sqrt(expected)), expected + (4 * Math.Sqrt(expected)));
    }

    [Fact]
    public void No_gap_is_longer_than_a_magazine_can_count()
    {
        SampleRate rate = new(int.MaxValue, seed: 5);
        int[] gaps = [.. Enumerable.Range(0, 1_000).Select(_ => rate.Next())];
        Assert.Equal(HeapMagazine.LongestStretch, gaps.Max());
        Assert.True(gaps.Min() >= 0);
    }
}
