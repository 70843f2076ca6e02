using System.Globalization;
using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>One recording's part of the page.</summary>
internal static class TraceSection
{
    // Where the ranges differ by more than this, one scale would press the smaller maps flat; arbitrary.
    private const double MostForOneScale = 3;

    public static string Write(TraceReport trace, string id, bool isLimited) => new Template("trace.html")
        .Text("id", id)
        .Text("name", TraceNotes.ShortName(trace))
        .Text("path", trace.Name)
        .Text("facts", Facts(trace))
        .Markup("notes", string.Concat(TraceNotes.Write(trace).Select(note => $"<p class=\"notes\">{Template.Escape(note)}</p>\n")))
        .Markup("answers", string.Concat(trace.Answers.Select(answer => AnswerSection.Write(trace, answer, $"{id}-{answer.Kind}", isLimited))))
        .Markup("overTime", OverTimeChart.Write(trace))
        .Markup("waste", WasteSection.Write(trace))
        .Markup("maps", Maps(trace))
        .Markup("sites", SiteSection.Write(trace))
        .Text("unit", trace.CountsBytes ? "bytes" : "values")
        .Markup("sizes", Sizes(trace))
        .Fill();

    private static string Maps(TraceReport trace)
    {
        List<PolicyReport> drawn = [.. trace.BestFirst().Where(policy => policy.Map is not null)];
        if (drawn.Count == 0)
        {
            return string.Empty;
        }

        ulong largest = drawn.Max(policy => policy.MapTop);
        bool oneScale = largest <= drawn.Min(policy => policy.MapTop) * MostForOneScale;
        string scale = drawn.Count == 1 ? string.Empty
            : oneScale ? "All maps have the same scale."
            : "The ranges differ so much that each map has a scale of its own.";
        return new Template("maps.html")
            .Text("scale", scale)
            .Markup("cards", string.Concat(drawn.Select(policy => PolicyCard.Write(trace, policy, oneScale ? largest : policy.MapTop))))
            .Fill();
    }

    private static string Facts(TraceReport trace) =>
        $"{trace.Format} recording: {Units.Count(trace.Allocations)} allocations and {Units.Count(trace.Frees)} frees, "
        + $"at most {Units.Count(trace.PeakLiveObjects)} objects live at once, {Units.Count(trace.LiveAtEnd)} at the end.";

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
        : Units.Trim(Units.Bytes((double)bytes + (bytes & 1)));

    private static string Bar(double part, string text) => string.Create(
        CultureInfo.InvariantCulture,
        $"<div class=\"cell\"><span class=\"bar\" style=\"width:{100 * part:0.##}%\"></span><span>{text}</span></div>");
}
