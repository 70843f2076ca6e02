using System.Globalization;
using System.Numerics;
using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>
/// The picture of one arena: each span a bar of its own scale, allocated segments filled, free ones not, addresses below. A span of more
/// segments than the bar can show apart is drawn by shares instead: each of its columns as dark as the part of it that is in use, and of
/// the colour of which it has most.
/// </summary>
internal sealed class SnapshotSvg
{
    private const int Width = 960;
    private const int Margin = 24;
    private const int BarWidth = Width - (2 * Margin);
    private const int BarHeight = 40;
    private const int SpanHeight = 104;
    private const int HeaderHeight = 136;

    // Two pixels a segment, allocated and free in turn: below that they cannot be told apart.
    private const int MostSegmentsApart = BarWidth / 4;

    // As many shades as an eye keeps apart on a bar of this height; arbitrary.
    private const int Shades = 8;

    // Of the legend's font, and about as many letters as leave room for all colours in a line.
    private const int LegendLetterWidth = 7;
    private const int LongestLegend = 14;

    // More bars than anyone scrolls through; arbitrary. The rest is summed up in a line.
    private const int MostSpans = 200;

    private readonly StringBuilder _svg = new();
    private readonly ArenaPicture _arena;
    private readonly KindColors _colors;
    private readonly AddressText _addresses;

    private SnapshotSvg(ArenaPicture arena, AddressText addresses)
    {
        _arena = arena;
        _colors = new KindColors(arena);
        _addresses = addresses;
    }

    public static void Write(ArenaPicture arena, AddressText addresses, Stream stream) =>
        stream.Write(Encoding.UTF8.GetBytes(new SnapshotSvg(arena, addresses).Draw()));

    private string Draw()
    {
        int shown = Math.Min(_arena.Spans.Count, MostSpans);
        int height = HeaderHeight + (shown * SpanHeight) + (shown < _arena.Spans.Count ? 40 : 8);
        _svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" role=\"img\" ");
        _svg.Append("aria-labelledby=\"title figures\">\n");
        _svg.Append("<style>\n").Append(PageResources.Read("map.css")).Append("</style>\n");
        _svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"page\" width=\"{Width}\" height=\"{height}\"/>\n");
        WriteHeader();
        for (int index = 0; index < shown; index++)
        {
            WriteSpan(_arena.Spans[index], HeaderHeight + (index * SpanHeight));
        }

        if (shown < _arena.Spans.Count)
        {
            Text(Margin, height - 16, "note", $"… and {Units.Count(_arena.Spans.Count - shown)} spans more");
        }

        return _svg.Append("</svg>\n").ToString();
    }

    private void WriteHeader()
    {
        _svg.Append(CultureInfo.InvariantCulture, $"<text id=\"title\" class=\"title\" x=\"{Margin}\" y=\"36\">{Escape(_arena.Title)}</text>\n");
        Text(Margin, 58, "note", _arena.Note);
        string figures = $"{Amount(_arena.InUse)} in use, {Amount(_arena.Free)} free, largest free {Amount(_arena.LargestFree)}, "
            + $"fragmentation {Units.Percent(_arena.Fragmentation)}";
        _svg.Append(CultureInfo.InvariantCulture, $"<text id=\"figures\" class=\"figures\" x=\"{Margin}\" y=\"82\">{figures}</text>\n");
        int x = Margin;
        Legend("span", "free");
        if (_colors.HasOthers || _colors.Count == 1)
        {
            Legend(KindColors.StyleOf(0), _colors.Count == 1 ? "allocated" : "others");
        }

        foreach ((string kind, string style) in _colors.Named)
        {
            Legend(style, Shorten(kind));
        }

        if (_arena.Spans.Any(span => span.Allocated.Count > MostSegmentsApart))
        {
            Text(Margin, 124, "note", "(where segments are too many to be drawn apart: the darker, the more is in use)");
        }

        void Legend(string style, string name)
        {
            _svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"{style}\" x=\"{x}\" y=\"94\" width=\"14\" height=\"12\"/>");
            Text(x + 20, 104, "note", name);
            x += 40 + (LegendLetterWidth * name.Length);
        }
    }

    private void WriteSpan(SpanPicture span, int top)
    {
        UInt128 last = span.Start + (span.Size - 1);
        Text(Margin, top + 12, "note", $"{span.Name}, {Amount(span.Size)}, {Units.Count(span.Allocated.Count)} allocated");
        int bar = top + 20;
        _svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"span\" x=\"{Margin}\" y=\"{bar}\" width=\"{BarWidth}\" height=\"{BarHeight}\"/>\n");
        if (span.Allocated.Count > MostSegmentsApart)
        {
            WriteShares(span, bar);
        }
        else
        {
            WriteSegments(span, bar);
        }

        foreach ((UInt128 address, double position) in AddressTicks.Of(span, BarWidth, _addresses))
        {
            string anchor = position == 0 ? "start" : address == last ? "end" : "middle";
            _svg.Append(CultureInfo.InvariantCulture, $"<path class=\"tick\" d=\"M{Margin + position:0.##} {bar + BarHeight}v5\"/>");
            _svg.Append(CultureInfo.InvariantCulture, $"<text class=\"address\" text-anchor=\"{anchor}\" x=\"{Margin + position:0.##}\" y=\"{bar + BarHeight + 18}\">{_addresses.Of(address)}</text>\n");
        }
    }

    private void WriteSegments(SpanPicture span, int bar)
    {
        foreach (RangePicture range in span.Allocated)
        {
            double x = Position(span, range.Start - span.Start);
            double width = Math.Max(0.5, Position(span, range.Start - span.Start + range.Size) - x);
            string style = KindColors.StyleOf(_colors.NumberOf(range.Kind));
            _svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"{style}\" x=\"{Margin + x:0.##}\" y=\"{bar}\" width=\"{width:0.##}\" height=\"{BarHeight}\">");
            string[] words = [.. new[] { _addresses.Of(range.Start, range.Size), Amount(range.Size), range.Kind,
                range.Name }.OfType<string>()];
            _svg.Append(CultureInfo.InvariantCulture, $"<title>{Escape(string.Join(", ", words))}</title></rect>\n");
        }
    }

    private void WriteShares(SpanPicture span, int bar)
    {
        var used = new double[BarWidth, _colors.Count];
        foreach (RangePicture range in span.Allocated)
        {
            int color = _colors.NumberOf(range.Kind);
            double from = Position(span, range.Start - span.Start);
            double to = Position(span, range.Start - span.Start + range.Size);
            for (int column = (int)from; column < Math.Min(BarWidth, to); column++)
            {
                used[column, color] += Math.Min(to, column + 1) - Math.Max(from, column);
            }
        }

        int start = 0;
        (int Shade, int Color) current = ShareAt(0);
        for (int column = 1; column <= BarWidth; column++)
        {
            (int Shade, int Color) next = column < BarWidth ? ShareAt(column) : default;
            if (column < BarWidth && next == current)
            {
                continue;
            }

            if (current.Shade > 0)
            {
                _svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"{KindColors.StyleOf(current.Color)}\" x=\"{Margin + start}\" y=\"{bar}\" width=\"{column - start}\" height=\"{BarHeight}\"");
                _svg.Append(CultureInfo.InvariantCulture, $" fill-opacity=\"{(double)current.Shade / Shades:0.###}\"/>\n");
            }

            (start, current) = (column, next);
        }

        (int Shade, int Color) ShareAt(int column)
        {
            int most = 0;
            double sum = 0;
            for (int color = 0; color < _colors.Count; color++)
            {
                sum += used[column, color];
                most = used[column, color] > used[column, most] ? color : most;
            }

            return (Shade(sum), sum > 0 ? most : 0);
        }
    }

    // Whatever is in use shows, however little it is.
    private static int Shade(double share) => (int)Math.Ceiling(Math.Min(1, share) * Shades);

    private static double Position(SpanPicture span, UInt128 offset) => (double)offset / (double)span.Size * BarWidth;

    // Counts are exact, however large they are; bytes are read in their unit.
    private string Amount(BigInteger amount) =>
        _arena.IsBytes && !_addresses.IsIp ? Units.Trim(Units.Bytes((double)amount)) : amount.ToString("#,0", CultureInfo.InvariantCulture);

    private void Text(int x, int y, string style, string text) =>
        _svg.Append(CultureInfo.InvariantCulture, $"<text class=\"{style}\" x=\"{x}\" y=\"{y}\">{Escape(text)}</text>\n");

    private static string Shorten(string kind) => kind.Length <= LongestLegend ? kind : kind[..(LongestLegend - 1)] + "…";

    private static string Escape(string text) => XmlText.Escape(text);
}
