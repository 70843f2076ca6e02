using System.Globalization;

namespace Vmem.Tool.Reports;

/// <summary>The labels of a chart's axes, at round values, each at its place.</summary>
internal static class AxisMarkup
{
    /// <summary>Up the left side.</summary>
    /// <param name="top">The value at the upper edge.</param>
    /// <param name="isBytes">Whether it is bytes.</param>
    public static string Up(double top, bool isBytes) => string.Concat(
        Values(top, isBytes).Select(tick => $"<span style=\"bottom:{Number(100 * tick / top)}%\">{Units.Tick(tick, isBytes)}</span>"));

    /// <summary>Along the lower edge. A label near the end stands before its place, or it would leave the page.</summary>
    public static string Along(ChartAxis axis)
    {
        const double End = 0.9;
        IEnumerable<double> ticks = axis.IsTime ? Ticks.Of(axis.Length, Ticks.TimeUnit(axis.Length)) : Ticks.Of(axis.Length, 1, least: 1);
        return string.Concat(ticks.Select(tick =>
            $"<span{(tick > End * axis.Length ? " class=\"end\"" : string.Empty)} style=\"left:{Number(100 * tick / axis.Length)}%\">{(tick == 0 ? "0" : axis.IsTime ? Units.Seconds(tick) : Units.Count((long)tick))}</span>"));
    }

    /// <summary>A line across for each label but the lowest; in a picture 100 high.</summary>
    public static string Grid(double top, bool isBytes, int columns) => string.Concat(
        Values(top, isBytes).Skip(1).Select(tick => $"<path class=\"grid\" d=\"M0 {Number(100 - (100 * tick / top))}H{Number(columns)}\"/>"));

    public static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static IEnumerable<double> Values(double top, bool isBytes) =>
        isBytes ? Ticks.OfBytes(top) : Ticks.Of(top, 1, least: 1);
}
