using System.Globalization;
using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>
/// One chart of all columns over time, on one scale: what the program asked for as an area, what each column took for it as a line. Of real
/// memory that is what was resident, of addresses what was in use with the holes in it. Lines differ in their dashes too, for whoever does
/// not see the colours.
/// </summary>
internal static class OverTimeChart
{
    // As many columns as a line needs to look smooth on a large screen; arbitrary.
    private const int Columns = 480;

    // As many as the style sheet has looks for; further lines begin again.
    private const int Looks = 8;

    // Beyond this part of the width the label of the peak stands left of it, where on a phone the axis' labels leave it more room.
    private const double LabelTurns = 0.4;

    public static string Write(TraceReport trace)
    {
        List<(PolicyReport Policy, double[] Values)> lines = [.. Ordered(trace).Select(policy => (policy, Values(trace, policy)))];
        PolicyReport asking = trace.Policies.MinBy(policy => policy.Failures)!;
        var axis = new ChartAxis(trace, asking.Curve, Columns);
        double[] asked = axis.Average(point => asking.Curve.RequestedBytes[point]);
        double top = Math.Max(1, lines.SelectMany(line => line.Values).Append(trace.PeakRequestedBytes).Max());
        double peak = Peak(trace, axis);
        return new Template("overtime.html")
            .Text("title", trace.CountsBytes ? "Memory over time" : "Values in use over time")
            .Text("side", peak > LabelTurns ? "before" : "after")
            .Markup("peak", AxisMarkup.Number(100 * peak))
            .Text("peakLabel", $"peak, {When(trace, axis)}")
            .Markup("yLabels", AxisMarkup.Up(top, trace.CountsBytes))
            .Markup("columns", AxisMarkup.Number(Columns))
            .Text("label", $"What was asked for and what each column took over time. At most {Units.Amount(trace.PeakRequestedBytes, trace.CountsBytes)} were asked for, {When(trace, axis)}.")
            .Markup("grid", AxisMarkup.Grid(top, trace.CountsBytes, Columns))
            .Markup("asked", Area(asked, top))
            .Markup("lines", string.Concat(lines.Select((line, index) => $"<path class=\"line {Look(index)}\" d=\"{Line(line.Values, top)}\"/>")))
            .Markup("peakColumn", AxisMarkup.Number(Columns * peak))
            .Markup("xLabels", AxisMarkup.Along(axis))
            .Text("unit", axis.IsTime ? "time since the recording began" : "events")
            .Text("most", Units.Amount(trace.PeakRequestedBytes, trace.CountsBytes))
            .Markup("series", string.Concat(lines.Select((line, index) => Series(trace, line.Policy, line.Values, index))))
            .Fill();
    }

    private static IEnumerable<PolicyReport> Ordered(TraceReport trace) => trace.Answers.SelectMany(trace.ColumnsOf);

    private static double[] Values(TraceReport trace, PolicyReport policy)
    {
        CurveReport curve = policy.Curve;
        return new ChartAxis(trace, curve, Columns).Average(point => curve.ResidentBytes?[point] ?? curve.ExtentBytes[point]);
    }

    private static double Peak(TraceReport trace, ChartAxis axis)
    {
        double at = axis.IsTime ? trace.Times.At(trace.PeakEvents)?.TotalSeconds ?? 0 : trace.PeakEvents;
        return Math.Clamp(at / axis.Length, 0, 1);
    }

    private static string When(TraceReport trace, ChartAxis axis) => axis.IsTime && trace.Times.At(trace.PeakEvents) is TimeSpan time
        ? $"after {Units.Seconds(time.TotalSeconds)}"
        : $"after {Units.Count(trace.PeakEvents)} events";

    private static string Series(TraceReport trace, PolicyReport policy, double[] values, int index)
    {
        string what = policy.Curve.ResidentBytes is not null ? "resident" : policy.IsMemory && !policy.KnowsHoles ? "in use" : "in use, with its holes";
        string name = $"<b>{Template.Escape(policy.Title)}</b>{(trace.IsBest(policy) ? "<span class=\"hidden\"> (suits best)</span>" : string.Empty)}";
        double most = policy.Curve.ResidentBytes is null ? values.Max() : policy.RangeBytes;
        return $"<li><svg class=\"sample\" viewBox=\"0 0 28 8\" aria-hidden=\"true\"><path class=\"line {Look(index)}\" d=\"M0 4H28\"/></svg> {name}: at most {Units.Amount(most, policy.CountsBytes)} {what}</li>\n";
    }

    private static string Look(int index) => string.Create(CultureInfo.InvariantCulture, $"look{(index % Looks) + 1}");

    private static string Area(double[] values, double top) => $"M0 100{Steps(values, top)}V100Z";

    private static string Line(double[] values, double top) => $"M0 {AxisMarkup.Number(Height(values[0], top))}{Steps(values, top)}";

    // Steps, not slopes: a value holds for its whole stretch. Neighbours of one height are one step.
    private static string Steps(double[] values, double top)
    {
        var path = new StringBuilder();
        for (int start = 0, end; start < values.Length; start = end)
        {
            string height = AxisMarkup.Number(Height(values[start], top));
            for (end = start + 1; end < values.Length && AxisMarkup.Number(Height(values[end], top)) == height; end++)
            {
            }

            _ = path.Append(CultureInfo.InvariantCulture, $"V{height}H{end}");
        }

        return path.ToString();
    }

    private static double Height(double value, double top) => 100 - (100 * value / top);
}
