using System.Globalization;
using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>
/// The report as one page that needs nothing but itself: style, script and data are inside, so that it can be mailed, attached and opened
/// years later. Figures and bars are markup; only the maps are painted by script, for tens of thousands of cells are an image, not a
/// document.
/// </summary>
internal static class HtmlReport
{
    public static void Write(ReplayReport report, Stream stream)
    {
        IReadOnlyList<TraceReport> traces = report.Traces;
        string heading = traces.Count == 1 ? Headline(traces[0]) : $"{traces.Count} recordings replayed";
        string page = new Template("report.html")
            .Text("title", $"vmem replay: {string.Join(", ", traces.Select(trace => TraceNotes.ShortName(trace)))}")
            .Markup("style", PageResources.Read("report.css"))
            .Text("heading", heading)
            .Text("lead", Lead(report))
            .Markup("contents", traces.Count == 1 ? string.Empty : Contents(traces))
            .Markup("traces", string.Concat(traces.Select((trace, index) => TraceSection.Write(trace, $"trace-{index + 1}", report.Limit is not null))))
            .Markup("context", report.Context is null ? string.Empty : ContextSection.Write(report.Context))
            .Markup("meanings", Meanings(report))
            .Markup("script", PageResources.Read("report.js"))
            .Fill();
        stream.Write(Encoding.UTF8.GetBytes(page));
    }

    private static string Headline(TraceReport trace) => trace.Policies.Count == 1
        ? $"{trace.BestPolicy.Title}, replaying {TraceNotes.ShortName(trace)}"
        : $"{char.ToUpperInvariant(trace.BestPolicy.Title[0])}{trace.BestPolicy.Title[1..]} suits {TraceNotes.ShortName(trace)} best";

    private static string Lead(ReplayReport report)
    {
        List<string> kinds = [.. report.Traces[0].Policies.Select(policy => policy.IsArena ? "an arena" : policy.Title).Distinct()];
        string limit = report.Limit is ulong bytes ? $"in a span of {Units.Bytes(bytes)}" : "in a span with room for everything";
        bool[] own = [.. report.Traces.Select(trace => trace.RecordedQuantum is not null).Distinct()];
        string rounding = own switch
        {
            [false] => $"{report.Quantum} bytes",
            [true] => "the recorded arena's quantum",
            _ => $"{report.Quantum} bytes, or to the recorded arena's quantum",
        };
        return kinds is ["an arena"]
            ? $"Recordings of a program's allocations, replayed through an arena {limit}, sizes rounded up to {rounding}."
            : $"Recordings of a program's allocations, replayed through {string.Join(", ", kinds)}, each {limit}, sizes rounded up to at least {rounding}.";
    }

    private static string Contents(IReadOnlyList<TraceReport> traces)
    {
        var list = new StringBuilder("<ul>");
        for (int index = 0; index < traces.Count; index++)
        {
            list.Append(CultureInfo.InvariantCulture, $"<li><a href=\"#trace-{index + 1}\">{Template.Escape(Headline(traces[index]))}</a></li>");
        }

        return list.Append("</ul>").ToString();
    }

    private static string Meanings(ReplayReport report)
    {
        var list = new StringBuilder();
        IReadOnlyList<PolicyReport> policies = report.Traces[0].Policies;
        foreach (Figure figure in Figure.Answer(policies, report.Limit is not null).Concat(Figure.Details(policies)))
        {
            list.Append(CultureInfo.InvariantCulture, $"<dt>{Template.Escape(figure.Label)}</dt><dd>{Template.Escape(figure.Meaning)}</dd>\n");
        }

        return list.ToString();
    }
}
