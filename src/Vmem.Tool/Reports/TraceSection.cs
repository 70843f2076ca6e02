using System.Globalization;
using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>One recording's part of the page.</summary>
internal static class TraceSection
{
    // Where the ranges differ by more than this, one scale would press the smaller maps flat; arbitrary.
    private const double MostForOneScale = 3;

    public static string Write(TraceReport trace, string id, bool isLimited)
    {
        List<PolicyReport> drawn = [.. trace.Policies.Where(policy => policy.Map is not null)];
        ulong largest = drawn.Select(policy => policy.MapTop).DefaultIfEmpty().Max();
        ulong least = drawn.Select(policy => policy.MapTop).DefaultIfEmpty().Min();
        bool oneScale = largest <= least * MostForOneScale;
        string scale = drawn.Count == 0 ? "Of memory there are only the curves: its addresses are the system's."
            : drawn.Count == 1 ? string.Empty
            : oneScale ? "All maps have the same scale."
            : "The ranges differ so much that each map has a scale of its own.";
        return new Template("trace.html")
            .Text("id", id)
            .Text("name", TraceNotes.ShortName(trace))
            .Text("path", trace.Name)
            .Text("verdict", trace.Verdict)
            .Text("facts", Facts(trace))
            .Markup("notes", string.Concat(TraceNotes.Write(trace).Select(note => $"<p class=\"notes\">{Template.Escape(note)}</p>\n")))
            .Markup("ranges", Ranges(trace, trace.Policies.Max(policy => policy.CostBytes)))
            .Markup("columns", Columns(trace))
            .Markup("rows", Rows(trace, Figure.Answer(trace.Policies, isLimited)))
            .Markup("details", Rows(trace, Figure.Details(trace.Policies)))
            .Text("fragmentation", Figure.AboutFragmentation)
            .Markup("sites", SiteSection.Write(trace))
            .Text("scale", scale)
            .Markup("cards", string.Concat(trace.Policies.Select(policy => policy.Map is null
                ? PolicyCard.WriteCurve(trace, policy)
                : PolicyCard.Write(trace, policy, oneScale ? largest : policy.MapTop))))
            .Text("unit", trace.CountsBytes ? "bytes" : "values")
            .Markup("sizes", Sizes(trace))
            .Fill();
    }

    private static string Facts(TraceReport trace) =>
        $"{trace.Format} recording: {Units.Count(trace.Allocations)} allocations and {Units.Count(trace.Frees)} frees, "
        + $"at most {Units.Count(trace.PeakLiveObjects)} objects live at once, {Units.Count(trace.LiveAtEnd)} at the end.";

    private static string Ranges(TraceReport trace, ulong largest)
    {
        var markup = new StringBuilder();
        foreach (PolicyReport policy in trace.Policies)
        {
            string best = policy.Policy == trace.Best ? " class=\"best\"" : string.Empty;
            markup.Append(CultureInfo.InvariantCulture, $"<span{best}>{policy.Policy}</span><span class=\"bar\" aria-hidden=\"true\">");

            // Memory that was never touched is not resident, though it was asked for.
            ulong used = Math.Min(policy.RangeBytes, policy.PeakRequestedBytes);
            ulong rounded = Math.Min(policy.RangeBytes, policy.PeakLiveBytes);
            string overhead = policy.Overhead is double part ? $" ({(part < 0 ? "" : "+")}{Units.Percent(part)})" : string.Empty;
            markup.Append(Piece("used", used, largest)).Append(Piece("rounding", rounded - used, largest));
            markup.Append(Piece("hole", policy.RangeBytes - rounded, largest)).Append(Piece("tables", policy.CostBytes - policy.RangeBytes, largest))
                .Append("</span>");
            markup.Append(CultureInfo.InvariantCulture, $"<span{best}>{Units.Amount(policy.CostBytes, policy.CountsBytes)}{overhead}</span>\n");
        }

        return markup.ToString();
    }

    private static string Piece(string name, ulong bytes, ulong largest) => string.Create(
        CultureInfo.InvariantCulture, $"<span class=\"{name}\" style=\"width:{100.0 * bytes / Math.Max(1, largest):0.##}%\"></span>");

    private static string Columns(TraceReport trace) => string.Concat(trace.Policies.Select(policy =>
        policy.Policy == trace.Best ? $"<th scope=\"col\" class=\"best\">{policy.Policy}</th>" : $"<th scope=\"col\">{policy.Policy}</th>"));

    private static string Rows(TraceReport trace, IReadOnlyList<Figure> figures) =>
        string.Concat(figures.Select(figure => Row(trace, figure)));

    private static string Row(TraceReport trace, Figure figure)
    {
        var row = new StringBuilder();
        row.Append(CultureInfo.InvariantCulture, $"<tr data-figure=\"{figure.Key}\"><th scope=\"row\" title=\"{Template.Escape(figure.Meaning)}\">{Template.Escape(figure.Label)}</th>");
        foreach (PolicyReport policy in trace.Policies)
        {
            bool isBest = figure.IsBest(policy, trace.Policies);
            row.Append(CultureInfo.InvariantCulture, $"<td data-policy=\"{policy.Policy}\"{(isBest ? " class=\"best\"" : "")}>{Template.Escape(figure.Show(policy))}");
            row.Append(isBest ? "<span class=\"hidden\"> (best)</span></td>" : "</td>");
        }

        return row.Append("</tr>\n").ToString();
    }

    private static string Sizes(TraceReport trace)
    {
        double mostCount = trace.Sizes.Max(bin => (double)bin.Count);
        double mostBytes = Math.Max(1, trace.Sizes.Max(bin => (double)bin.TotalBytes));
        var rows = new StringBuilder();
        foreach (SizeBinReport bin in trace.Sizes)
        {
            string range = bin.LeastBytes == bin.MostBytes ? $"{bin.LeastBytes}" : $"{Short(bin.LeastBytes, trace.CountsBytes)} – {Short(bin.MostBytes, trace.CountsBytes)}";
            rows.Append(CultureInfo.InvariantCulture, $"<tr><th scope=\"row\">{range}</th><td>{Bar(bin.Count / mostCount, Units.Count(bin.Count))}</td>");
            rows.Append(CultureInfo.InvariantCulture, $"<td>{Bar((double)bin.TotalBytes / mostBytes, Units.Amount((double)bin.TotalBytes, trace.CountsBytes))}</td></tr>\n");
        }

        return rows.ToString();
    }

    // Bins end one below a power of two: from 1 KiB on, "1K – 2K" says it shorter and no one misses the byte.
    private static string Short(ulong bytes, bool isBytes) => !isBytes || bytes < 1024
        ? Units.Amount(bytes, isBytes: false)
        : Units.Bytes((double)bytes + (bytes & 1)).Replace(".00", "", StringComparison.Ordinal).Replace(".0", "", StringComparison.Ordinal);

    private static string Bar(double part, string text) => string.Create(
        CultureInfo.InvariantCulture,
        $"<div class=\"cell\"><span class=\"bar\" style=\"width:{100 * part:0.##}%\"></span><span>{text}</span></div>");
}
