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
            .Markup("contents", traces.Count == 1 ? string.Empty : SummarySection.Write(report))
            .Markup("traces", string.Concat(traces.Select((trace, index) => TraceSection.Write(trace, $"trace-{index + 1}", report.Limit is not null))))
            .Markup("context", report.Context is null ? string.Empty : ContextSection.Write(report.Context))
            .Markup("meanings", Meanings(report))
            .Markup("script", PageResources.Read("report.js"))
            .Fill();
        stream.Write(Encoding.UTF8.GetBytes(page));
    }

    private static string Headline(TraceReport trace)
    {
        string name = TraceNotes.ShortName(trace);
        if (trace.Policies.Count == 1)
        {
            return $"{trace.Policies[0].Title}, replaying {name}";
        }

        List<string> best = [.. trace.Answers.Select(answer => trace.Policies.Single(policy => policy.Policy == answer.Best).Title)];
        return best is [string memory, string addresses]
            ? $"{name}: {memory} for its memory, {addresses} for addresses"
            : $"{char.ToUpperInvariant(best[0][0])}{best[0][1..]} suits {name} best";
    }

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
        if (kinds is ["an arena"])
        {
            return $"Recordings of a program's allocations, replayed through an arena {limit}, sizes rounded up to {rounding}.";
        }

        string all = kinds.Count == 1 ? kinds[0] : $"{string.Join(", ", kinds[..^1])} and {kinds[^1]}";
        string ranges = report.Traces[0].Policies.Any(policy => !policy.IsMemory) ? $" Addresses are given out {limit}, sizes rounded up to at least {rounding}." : string.Empty;
        return $"Recordings of a program's allocations, replayed through {all}.{ranges}";
    }

    private static string Meanings(ReplayReport report)
    {
        var list = new StringBuilder();
        bool isLimited = report.Limit is not null;
        IEnumerable<Figure> figures = report.Traces
            .SelectMany(trace => trace.Answers.Select(trace.ColumnsOf))
            .SelectMany(columns => Figure.Answer(columns, isLimited).Concat(Figure.Details(columns)))
            .DistinctBy(figure => figure.Label);
        foreach (Figure figure in figures)
        {
            list.Append(CultureInfo.InvariantCulture, $"<dt>{Template.Escape(figure.Label)}</dt><dd>{Template.Escape(figure.Meaning)}</dd>\n");
        }

        return list.ToString();
    }
}
