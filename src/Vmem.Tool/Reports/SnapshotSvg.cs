using System.Globalization;
using System.Numerics;
using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>
/// The picture of one arena: each span a bar of its own scale, allocated segments filled, free ones not, addresses below. A span of more
/// segments than the bar can show apart is drawn by shares instead: each of its columns as dark as the part of it that is in use.
/// </summary>
internal static class SnapshotSvg
{
    private const int Width = 960;
    private const int Margin = 24;
    private const int BarWidth = Width - (2 * Margin);
    private const int BarHeight = 40;
    private const int SpanHeight = 104;
    private const int HeaderHeight = 128;

    // Two pixels a segment, allocated and free in turn: below that they cannot be told apart.
    private const int MostSegmentsApart = BarWidth / 4;

    // As many shades as an eye keeps apart on a bar of this height; arbitrary.
    private const int Shades = 8;

    // More bars than anyone scrolls through; arbitrary. The rest is summed up in a line.
    private const int MostSpans = 200;

    public static void Write(ArenaPicture arena, Stream stream)
    {
        int shown = Math.Min(arena.Spans.Count, MostSpans);
        int height = HeaderHeight + (shown * SpanHeight) + (shown < arena.Spans.Count ? 40 : 8);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" role=\"img\" ");
        svg.Append("aria-labelledby=\"title figures\">\n");
        svg.Append("<style>\n").Append(PageResources.Read("map.css")).Append("</style>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"page\" width=\"{Width}\" height=\"{height}\"/>\n");
        WriteHeader(svg, arena);
        for (int index = 0; index < shown; index++)
        {
            WriteSpan(svg, arena, arena.Spans[index], HeaderHeight + (index * SpanHeight));
        }

        if (shown < arena.Spans.Count)
        {
            Text(svg, Margin, height - 16, "note", $"… and {Units.Count(arena.Spans.Count - shown)} spans more");
        }

        svg.Append("</svg>\n");
        stream.Write(Encoding.UTF8.GetBytes(svg.ToString()));
    }

    private static void WriteHeader(StringBuilder svg, ArenaPicture arena)
    {
        svg.Append(CultureInfo.InvariantCulture, $"<text id=\"title\" class=\"title\" x=\"{Margin}\" y=\"36\">Arena {Escape(arena.Name)}</text>\n");
        Text(svg, Margin, 58, "note", $"{arena.Type}, quantum {arena.Quantum}, {arena.Policy}, {Units.Count(arena.Spans.Count)} span{(arena.Spans.Count == 1 ? "" : "s")}");
        string figures = $"{Amount(arena.InUse)} in use, {Amount(arena.Free)} free, largest free {Amount(arena.LargestFree)}, "
            + $"fragmentation {Units.Percent(arena.Fragmentation)}";
        svg.Append(CultureInfo.InvariantCulture, $"<text id=\"figures\" class=\"figures\" x=\"{Margin}\" y=\"82\">{figures}</text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"used\" x=\"{Margin}\" y=\"98\" width=\"14\" height=\"12\"/>");
        Text(svg, Margin + 20, 108, "note", "allocated");
        svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"span\" x=\"{Margin + 100}\" y=\"98\" width=\"14\" height=\"12\"/>");
        Text(svg, Margin + 120, 108, "note", "free");
        if (arena.Spans.Any(span => span.Allocated.Count > MostSegmentsApart))
        {
            Text(svg, Margin + 170, 108, "note", "(where segments are too many to be drawn apart: the darker, the more is in use)");
        }
    }

    private static void WriteSpan(StringBuilder svg, ArenaPicture arena, SpanPicture span, int top)
    {
        UInt128 last = span.Start + (span.Size - 1);
        string imported = span.Imported ? ", imported" : "";
        Text(svg, Margin, top + 12, "note", $"span of {Amount(span.Size)}{imported}, {Units.Count(span.Allocated.Count)} allocated");
        int bar = top + 20;
        svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"span\" x=\"{Margin}\" y=\"{bar}\" width=\"{BarWidth}\" height=\"{BarHeight}\"/>\n");
        if (span.Allocated.Count > MostSegmentsApart)
        {
            WriteShares(svg, span, bar);
        }
        else
        {
            WriteSegments(svg, arena, span, bar);
        }

        // Three addresses of 128 bits fit side by side in a bar's width, five of 64.
        int ticks = arena.Type == "UInt128" ? 2 : 4;
        for (int tick = 0; tick <= ticks; tick++)
        {
            // last rather than last + 1 at the end: one past the top of the type has no name.
            UInt128 value = tick == ticks ? last : span.Start + (span.Size / (uint)ticks * (uint)tick);
            int x = Margin + (BarWidth * tick / ticks);
            string anchor = tick == 0 ? "start" : tick == ticks ? "end" : "middle";
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"tick\" d=\"M{x} {bar + BarHeight}v5\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"address\" text-anchor=\"{anchor}\" x=\"{x}\" y=\"{bar + BarHeight + 18}\">{Address(value, arena.Type)}</text>\n");
        }
    }

    private static void WriteSegments(StringBuilder svg, ArenaPicture arena, SpanPicture span, int bar)
    {
        foreach (RangePicture range in span.Allocated)
        {
            double x = Position(span, range.Start - span.Start);
            double width = Math.Max(0.5, Position(span, range.Start - span.Start + range.Size) - x);
            svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"used\" x=\"{Margin + x:0.##}\" y=\"{bar}\" width=\"{width:0.##}\" height=\"{BarHeight}\">");
            svg.Append(CultureInfo.InvariantCulture, $"<title>{Address(range.Start, arena.Type)}, {Amount(range.Size)}</title></rect>\n");
        }
    }

    private static void WriteShares(StringBuilder svg, SpanPicture span, int bar)
    {
        var used = new double[BarWidth];
        foreach (RangePicture range in span.Allocated)
        {
            double from = Position(span, range.Start - span.Start);
            double to = Position(span, range.Start - span.Start + range.Size);
            for (int column = (int)from; column < Math.Min(BarWidth, to); column++)
            {
                used[column] += Math.Min(to, column + 1) - Math.Max(from, column);
            }
        }

        int start = 0;
        for (int column = 1; column <= BarWidth; column++)
        {
            int shade = Shade(used[start]);
            if (column < BarWidth && Shade(used[column]) == shade)
            {
                continue;
            }

            if (shade > 0)
            {
                svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"used\" x=\"{Margin + start}\" y=\"{bar}\" width=\"{column - start}\" height=\"{BarHeight}\"");
                svg.Append(CultureInfo.InvariantCulture, $" fill-opacity=\"{(double)shade / Shades:0.###}\"/>\n");
            }

            start = column;
        }
    }

    // Whatever is in use shows, however little it is.
    private static int Shade(double share) => (int)Math.Ceiling(Math.Min(1, share) * Shades);

    private static double Position(SpanPicture span, UInt128 offset) => (double)offset / (double)span.Size * BarWidth;

    // IDs and ports are read in decimal, addresses in hexadecimal.
    private static string Address(UInt128 value, string type) =>
        type is "Byte" or "UInt16" ? value.ToString(CultureInfo.InvariantCulture) : "0x" + value.ToString("x", CultureInfo.InvariantCulture);

    private static string Amount(BigInteger amount) => amount.ToString("#,0", CultureInfo.InvariantCulture);

    private static void Text(StringBuilder svg, int x, int y, string style, string text) =>
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"{style}\" x=\"{x}\" y=\"{y}\">{Escape(text)}</text>\n");

    private static string Escape(string text) => XmlText.Escape(text);
}
