using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Reports;

/// <summary>Charts over time or over events, and their labels.</summary>
public sealed class ChartAxisTests
{
    private static readonly TraceReport s_trace = ReportFixture.Create(Samples.CompilerTrace).Traces[0];

    [Fact]
    public void Over_events_each_column_is_a_column_of_the_map()
    {
        var axis = new ChartAxis(s_trace with { Events = 7 }, Curve(2, null, 1, 1, 1, 1));
        Assert.Equal((false, 4, 7.0, "7 events"), (axis.IsTime, axis.Columns, axis.Length, axis.EndLabel));
        double[] values = [10, 20, 30, 40];
        Assert.Equal(values, new ChartAxis(s_trace with { Events = 8 }, Curve(2, null, values)).Average(point => values[point]));
    }

    [Fact]
    public void Over_time_each_column_has_the_average_of_its_stretch()
    {
        // 10 for a second, 20 for no time at all, 30 for two seconds, 40 for one.
        double[] values = [10, 20, 30, 40];
        var axis = new ChartAxis(s_trace with { DurationSeconds = 4 }, Curve(5, [0, 1, 1, 3], values), columns: 2);
        Assert.Equal((true, 4.0, 2.0, "4 s"), (axis.IsTime, axis.Length, axis.Step, axis.EndLabel));
        Assert.Equal([20, 35], axis.Average(point => values[point]));
        Assert.Equal([10, 30, 30, 40], new ChartAxis(s_trace with { DurationSeconds = 4 }, Curve(5, [0, 1, 1, 3], values), columns: 4)
            .Average(point => values[point]));
    }

    [Fact]
    public void Time_that_does_not_pass_is_no_axis() =>
        Assert.False(new ChartAxis(s_trace with { DurationSeconds = 0 }, Curve(1, [0, 0], 1, 2)).IsTime);

    [Theory]
    [InlineData(18.9, 1, new double[] { 0, 5, 10, 15 })]
    [InlineData(6260, 1, new double[] { 0, 2000, 4000, 6000 })]
    [InlineData(1, 1, new[] { 0, 0.2, 0.4, 0.6, 0.8, 1 })]
    [InlineData(12 * 1024, 1024, new double[] { 0, 2048, 4096, 6144, 8192, 10240, 12288 })]
    public void Ticks_are_round_and_few(double length, double unit, double[] expected) =>
        Assert.Equal(expected, Ticks.Of(length, unit).Select(tick => Math.Round(tick, 9)));

    [Theory]
    [InlineData(18.9 * 1024 * 1024, "0|5 MiB|10 MiB|15 MiB")]
    [InlineData(1.13 * 1024 * 1024, "0|256 KiB|512 KiB|768 KiB|1 MiB")]
    [InlineData(3.2 * 1024 * 1024, "0|1 MiB|2 MiB|3 MiB")]
    [InlineData(1007 * 1024, "0|200 KiB|400 KiB|600 KiB|800 KiB|1000 KiB")]
    [InlineData(3, "0|1 B|2 B|3 B")]
    public void Ticks_of_bytes_are_round_in_the_unit_that_they_are_read_in(double length, string expected) =>
        Assert.Equal(expected, string.Join('|', Ticks.OfBytes(length).Select(tick => Units.Tick(tick, isBytes: true))));

    [Fact]
    public void Events_are_never_halved() => Assert.Equal([0, 1, 2, 3], Ticks.Of(3, 1, least: 1));

    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(0.000_009, "9 µs")]
    [InlineData(0.015, "15 ms")]
    [InlineData(0.34, "340 ms")]
    [InlineData(4, "4 s")]
    [InlineData(12.5, "12.5 s")]
    [InlineData(192, "3.2 min")]
    [InlineData(18_000, "5 h")]
    public void Times_are_read_in_the_unit_that_suits_them(double seconds, string expected) =>
        Assert.Equal(expected, Units.Seconds(seconds));

    private static CurveReport Curve(long eventsPerPoint, double[]? seconds, params double[] live) => new()
    {
        EventsPerPoint = eventsPerPoint,
        Seconds = seconds,
        LiveBytes = [.. live.Select(value => (long)value)],
        ExtentBytes = [.. live.Select(value => (long)value)],
        RequestedBytes = [.. live.Select(value => (long)value)],
    };
}
