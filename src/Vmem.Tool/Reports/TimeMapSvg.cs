using System.Globalization;
using System.Text;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Reports;

/// <summary>
/// The address × time map of one replay as a picture of its own: for a README, a mail, an issue. It has neither scripts nor anything
/// from outside, it is readable on light and dark pages, and it is the same whenever the same recording is replayed under the same
/// policy: no time that was measured is in it.
/// <para>
/// The cells are drawn in layers, as a relief map is: first the holes, then all cells that are in use at all, over them those that are in
/// use to two eighths, and so on. Each layer is one path of horizontal strokes. So neighbours of different shades show no seam
/// at any scale, and the picture of a program with ten thousand objects takes some dozens of KiB.
/// </para>
/// <para>Rejected: a PNG inside the SVG (some sites that show SVG files refuse images in them), and a rectangle for each cell (ten times
/// the size).</para>
/// </summary>
internal static class TimeMapSvg
{
    private const int Width = 800;
    private const int Height = 330;
    private const int Left = 84;
    private const int Top = 62;
    private const int PlotWidth = 696;
    private const int PlotHeight = 200;
    private const int Bottom = Top + PlotHeight;

    // Cells of 3 by at least 2 units: smaller ones would not be seen, and would make the file larger.
    private const int Columns = PlotWidth / 3;
    private const int MostRows = PlotHeight / 2;

    // As many shades as can be told apart in cells of that size; arbitrary.
    private const int Layers = 8;

    public static void Write(TraceReport trace, Stream stream)
    {
        PolicyReport policy = trace.BestFirst().First(policy => policy.Map is not null);
        AddressTimeMap map = policy.Map!;
        var axis = new ChartAxis(trace, policy.Curve, Columns);
        double[] extents = axis.Average(column => map.Columns[column].Extent);
        double[][] rows = Rows(axis, map, policy.MapTop, extents, out double top);
        var svg = new StringBuilder();
        WriteFrame(svg, trace, policy);
        WriteTicks(svg, axis, top, policy.CountsBytes);
        svg.Append(CultureInfo.InvariantCulture, $"<g transform=\"translate({Left} {Bottom}) scale({PlotWidth / Columns} -{(double)PlotHeight / rows.Length:0.####})\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<path class=\"holes\" d=\"{Area(extents, rows.Length / top)}\"/>\n<g transform=\"translate(0 .5)\">\n");
        for (int layer = 1; layer <= Layers; layer++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"l{layer}\" d=\"{Strokes(rows, layer)}\"/>\n");
        }

        double[] live = axis.Average(column => map.Columns[column].Live);
        svg.Append("</g>\n</g>\n").Append(CultureInfo.InvariantCulture, $"<path class=\"live\" d=\"{Line(live, top)}\"/>\n</svg>\n");
        stream.Write(Encoding.UTF8.GetBytes(svg.ToString()));
    }

    /// <summary>
    /// The map's rows from the lowest address up, as many together as the picture can show, each with its share in use over time: of the
    /// addresses below the highest one in use, for what is above that is no hole.
    /// </summary>
    private static double[][] Rows(ChartAxis axis, AddressTimeMap map, ulong end, double[] extents, out double top)
    {
        int used = (int)Math.Clamp((end + map.BytesPerRow - 1) / map.BytesPerRow, 1, AddressTimeMap.MaxRows);
        int together = (used + MostRows - 1) / MostRows;
        int count = (used + together - 1) / together;
        double height = (double)together * map.BytesPerRow;
        top = count * height;
        return [.. Enumerable.Range(0, count).Select(Row)];

        double[] Row(int row)
        {
            double[] shares = axis.Average(column =>
                Enumerable.Range(row * together, together)
                    .Sum(part => part < AddressTimeMap.MaxRows ? map.Fill(column, part) : 0) / together);
            return [.. shares.Zip(extents, (share, extent) => share == 0 ? 0 : share / Math.Clamp((extent / height) - row, share, 1))];
        }
    }

    private static void WriteFrame(StringBuilder svg, TraceReport trace, PolicyReport policy)
    {
        string title = $"{TraceNotes.ShortName(trace)}: which addresses are in use, over time";
        string facts = $"{policy.Title}, {Units.Count(trace.Events)} events: {Units.Amount(policy.RangeBytes, policy.CountsBytes)}{(policy.CountsBytes ? " of" : "")} addresses for the {Units.Amount(policy.PeakRequestedBytes, policy.CountsBytes)} that the program asked for at its peak";
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" height=\"{Height}\" role=\"img\" aria-labelledby=\"title facts\">\n");
        svg.Append("<style>\n").Append(PageResources.Read("time-map.css")).Append(Shades()).Append("</style>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"page\" x=\".5\" y=\".5\" width=\"{Width - 1}\" height=\"{Height - 1}\" rx=\"8\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text id=\"title\" class=\"title\" x=\"{Left}\" y=\"27\">{XmlText.Escape(title)}</text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text id=\"facts\" x=\"{Left}\" y=\"47\">{XmlText.Escape(facts)}</text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"plot\" x=\"{Left}\" y=\"{Top}\" width=\"{PlotWidth}\" height=\"{PlotHeight}\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"middle\" transform=\"translate(18 {Top + (PlotHeight / 2)}) rotate(-90)\">addresses</text>\n");
        WriteLegend(svg, policy.CountsBytes);
    }

    private static void WriteLegend(StringBuilder svg, bool isBytes)
    {
        const int Y = Height - 13;
        const int Swatch = 11;
        int x = Left;
        svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"holes\" x=\"{x}\" y=\"{Y - 10}\" width=\"{Swatch}\" height=\"{Swatch}\"/><text x=\"{x + 16}\" y=\"{Y}\">holes</text>\n");
        x += 70;
        for (int layer = 1; layer <= Layers; layer++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"l{layer}\" style=\"stroke-width:{Swatch}\" d=\"M{x + (layer * Swatch)} {Y - 4.5}h{Swatch}\"/>");
        }

        svg.Append(CultureInfo.InvariantCulture, $"\n<text x=\"{x + ((Layers + 1) * Swatch) + 6}\" y=\"{Y}\">partly to fully in use</text>\n");
        x += 270;
        svg.Append(CultureInfo.InvariantCulture, $"<path class=\"live\" d=\"M{x} {Y - 4}h22\"/><text x=\"{x + 28}\" y=\"{Y}\">{(isBytes ? "bytes" : "values")} in use: where they would end without a hole</text>\n");
    }

    private static void WriteTicks(StringBuilder svg, ChartAxis axis, double top, bool isBytes)
    {
        foreach (double tick in isBytes ? Ticks.OfBytes(top) : Ticks.Of(top, 1))
        {
            double y = Bottom - (tick / top * PlotHeight);
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"tick\" d=\"M{Left - 4} {y:0.#}h4\"/><text class=\"end\" x=\"{Left - 7}\" y=\"{y + 4:0.#}\">{Units.Tick(tick, isBytes)}</text>\n");
        }

        foreach (double tick in Ticks.Of(axis.Length, axis.IsTime ? Ticks.TimeUnit(axis.Length) : 1, axis.IsTime ? 0 : 1))
        {
            double x = Left + (tick / axis.Length * PlotWidth);
            string label = tick == 0 ? "0" : axis.IsTime ? Units.Seconds(tick) : Units.Count((long)tick);

            // The last label must not leave the picture.
            string anchor = x > Left + PlotWidth - 24 ? "end" : "middle";
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"tick\" d=\"M{x:0.#} {Bottom}v4\"/><text class=\"{anchor}\" x=\"{x:0.#}\" y=\"{Bottom + 17}\">{label}</text>\n");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"middle\" x=\"{Left + (PlotWidth / 2)}\" y=\"{Bottom + 34}\">{(axis.IsTime ? "time" : "events")}</text>\n");
    }

    // A stroke for each run of cells that are at least so full, each from the end of the one before it.
    private static string Strokes(double[][] rows, int layer)
    {
        var path = new StringBuilder("M0 0");
        (int penColumn, int penRow) = (0, 0);
        for (int row = 0; row < rows.Length; row++)
        {
            for (int column = 0; column < Columns; column++)
            {
                int start = column;
                while (column < Columns && Level(rows[row][column]) >= layer)
                {
                    column++;
                }

                if (column > start)
                {
                    path.Append(CultureInfo.InvariantCulture, $"m{start - penColumn} {row - penRow}h{column - start}");
                    (penColumn, penRow) = (column, row);
                }
            }
        }

        return path.ToString();
    }

    // Whatever is in use shows, however little it is.
    private static int Level(double share) => (int)Math.Ceiling(Math.Min(1, share) * Layers);

    private static string Area(double[] values, double scale)
    {
        var path = new StringBuilder("M0 0");
        foreach (double value in values)
        {
            path.Append(CultureInfo.InvariantCulture, $"V{value * scale:0.#}h1");
        }

        return path.Append("V0Z").ToString();
    }

    private static string Line(double[] values, double top)
    {
        var path = new StringBuilder();
        double last = double.NaN;
        for (int column = 0; column < values.Length; column++)
        {
            double y = Math.Round(Bottom - (values[column] / top * PlotHeight), 1);
            string step = column == 0 ? $"M{Left} {y}h3" : y == last ? "h3" : $"V{y}h3";
            path.Append(CultureInfo.InvariantCulture, $"{step}");
            last = y;
        }

        return path.ToString();
    }

    // The report's own colours, from a hole to fully in use.
    private static string Shades() => Shades("#f0c27a", "#8fb4e8", "#1f5fbf") + "@media (prefers-color-scheme: dark) {\n" + Shades("#8a5a1c", "#3f68a8", "#79b0ff") + "}\n";

    private static string Shades(params string[] stops)
    {
        var css = new StringBuilder($".holes {{ fill: {stops[0]}; }}\n");
        for (int layer = 1; layer <= Layers; layer++)
        {
            double at = (double)layer / Layers * (stops.Length - 1);
            int low = Math.Min((int)at, stops.Length - 2);
            css.Append(CultureInfo.InvariantCulture, $".l{layer} {{ stroke: #{Mix(stops[low], stops[low + 1], at - low, 1)}{Mix(stops[low], stops[low + 1], at - low, 3)}{Mix(stops[low], stops[low + 1], at - low, 5)}; }}\n");
        }

        return css.ToString();
    }

    private static string Mix(string low, string high, double part, int position)
    {
        int from = Convert.ToInt32(low.Substring(position, 2), 16);
        int to = Convert.ToInt32(high.Substring(position, 2), 16);
        return ((int)Math.Round(from + ((to - from) * part))).ToString("x2", CultureInfo.InvariantCulture);
    }
}
