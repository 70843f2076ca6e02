using System.Diagnostics;
using Vmem.Memory.Heap.Debugging;
using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>Samples take a small part of the time.</summary>
public class SampleTimeTests
{
    private static readonly long s_hour = Stopwatch.Frequency * 3_600;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void After_a_sample_comes_a_rest_that_is_much_longer(bool isLimited)
    {
        SampleTime time = new(isLimited);
        Assert.True(time.TryBegin(out long begin));
        time.End(begin - s_hour);
        Assert.Equal(!isLimited, time.TryBegin(out _));
    }

    /// <summary>Two that ran side by side do not share a rest.</summary>
    [Fact]
    public void Rests_add_up()
    {
        SampleTime time = new(isLimited: true);
        _ = time.TryBegin(out long begin);
        time.End(begin - s_hour);
        time.End(begin - s_hour);
        ref long until = ref RestOf(time);
        Assert.InRange(until - begin, 2 * 64 * s_hour, (2 * 64 * s_hour) + s_hour);
    }

    [System.Runtime.CompilerServices.UnsafeAccessor(System.Runtime.CompilerServices.UnsafeAccessorKind.Field, Name = "_restUntil")]
    private static extern ref long RestOf(SampleTime time);
}
