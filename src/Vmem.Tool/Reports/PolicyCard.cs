using System.Globalization;
using System.Text;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Reports;

/// <summary>One policy's pictures: the address × time map, and under it the curve of live bytes and holes.</summary>
internal static class PolicyCard
{
    // A map's cell is one hexadecimal digit: 16 shades are as many as can be told apart in cells of two pixels.
    private const int TopLevel = 15;
    private const string Levels = "0123456789abcdef";

    /// <param name="trace">The recording.</param>
    /// <param name="policy">The policy to draw; its map must be there.</param>
    /// <param name="top">The address at the upper edge.</param>
    public static string Write(TraceReport trace, PolicyReport policy, ulong top)
    {
        AddressTimeMap map = policy.Map ?? throw new ArgumentException("There is no map to draw.", nameof(policy));
        ulong rows = Math.Max(1, (top + map.BytesPerRow - 1) / map.BytesPerRow);
        ulong edge = rows * map.BytesPerRow;
        var axis = new ChartAxis(trace, policy.Curve);
        string mapLabel = $"Map of the addresses in use over time with {policy.Title}: a range of {Units.Amount(policy.RangeBytes, policy.CountsBytes)}, "
            + $"{Units.Percent(policy.PeakFragmentation)} of it holes at the peak.";
        return new Template("card.html")
            .Text("policy", policy.Policy)
            .Text("title", policy.Title)
            .Markup("badge", trace.IsBest(policy) ? "<span class=\"badge\">suits best</span>" : string.Empty)
            .Text("summary", $"{Units.Amount(policy.RangeBytes, policy.CountsBytes)} needed, {Units.Percent(policy.PeakFragmentation)} of it holes at the peak, {Units.Nanoseconds(policy.MedianNanoseconds)} median")
            .Markup("yLabels", AxisMarkup.Up(edge, policy.CountsBytes))
            .Markup("xLabels", AxisMarkup.Along(axis))
            .Text("mapLabel", mapLabel)
            .Markup("columns", axis.Columns.ToString(CultureInfo.InvariantCulture))
            .Markup("rows", rows.ToString(CultureInfo.InvariantCulture))
            .Markup("cells", Cells(axis, map, (int)rows))
            .Markup("across", axis.IsTime ? "time" : "event")
            .Markup("step", axis.Step.ToString("R", CultureInfo.InvariantCulture))
            .Markup("isBytes", policy.CountsBytes ? "true" : "false")
            .Markup("bytesPerRow", map.BytesPerRow.ToString(CultureInfo.InvariantCulture))
            .Markup("curve", Curve(axis, policy, edge))
            .Fill();
    }

    private static string Cells(ChartAxis axis, AddressTimeMap map, int rows)
    {
        double[] extents = axis.Average(column => map.Columns[column].Extent);
        double[][] fills = [
            .. Enumerable.Range(0, rows).Select(row => axis.Average(column => row < AddressTimeMap.MaxRows ? map.Fill(column, row) : 0))
        ];
        var cells = new StringBuilder(axis.Columns * rows);
        for (int column = 0; column < axis.Columns; column++)
        {
            for (int row = 0; row < rows; row++)
            {
                double fill = fills[row][column];
                bool beyond = fill == 0 && row * (double)map.BytesPerRow >= extents[column];

                // Rounded up: a cell with anything in it looks different from a hole.
                cells.Append(beyond ? '.' : Levels[(int)Math.Ceiling(Math.Min(1, fill) * TopLevel)]);
            }
        }

        return cells.ToString();
    }

    private static string Curve(ChartAxis axis, PolicyReport policy, ulong edge)
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {axis.Columns} 100\" preserveAspectRatio=\"none\" role=\"img\" ");
        svg.Append(CultureInfo.InvariantCulture, $"aria-label=\"What is in use and holes over time with {policy.Title}: at most {Units.Amount(policy.PeakLiveBytes, policy.CountsBytes)} in use.\">");
        svg.Append(CultureInfo.InvariantCulture, $"<path class=\"extent\" d=\"{Area(axis.Average(point => policy.Curve.ExtentBytes[point]), edge)}\"/>");
        svg.Append(CultureInfo.InvariantCulture, $"<path class=\"live\" d=\"{Area(axis.Average(point => policy.Curve.LiveBytes[point]), edge)}\"/></svg>");
        return svg.ToString();
    }

    // Steps, not slopes: a value holds for its whole stretch, and lines up with the map's column above.
    private static string Area(double[] values, ulong edge)
    {
        var path = new StringBuilder("M0 100");
        foreach (double value in values)
        {
            path.Append(CultureInfo.InvariantCulture, $"V{100 - (100.0 * value / edge):0.##}h1");
        }

        return path.Append("V100Z").ToString();
    }
}
