using System.Globalization;
using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>One question's part of a recording's section: the verdict, what follows from it, and the figures.</summary>
internal static class AnswerSection
{
    public static string Write(TraceReport trace, AnswerReport answer, string id, bool isLimited)
    {
        IReadOnlyList<PolicyReport> columns = trace.ColumnsOf(answer);
        return new Template("answer.html")
            .Text("id", id)
            .Text("title", answer.Title)
            .Text("name", TraceNotes.ShortName(trace))
            .Text("verdict", answer.Verdict)
            .Markup("consequence", answer.Consequence is null ? string.Empty : $"<p class=\"consequence\">{Template.Escape(answer.Consequence)}</p>")
            .Markup("ranges", Ranges(trace, columns))
            .Text("holes", answer.Kind == AnswerReport.Memory ? "whatever else is resident" : "lost to holes")
            .Markup("columns", Columns(trace, columns))
            .Markup("rows", Rows(columns, Figure.Answer(columns, isLimited)))
            .Markup("details", Rows(columns, Figure.Details(columns)))
            .Text("fragmentation", Figure.AboutFragmentation)
            .Fill();
    }

    private static string Ranges(TraceReport trace, IReadOnlyList<PolicyReport> columns)
    {
        ulong largest = columns.Max(policy => policy.CostBytes);
        var markup = new StringBuilder();
        foreach (PolicyReport policy in columns)
        {
            string best = trace.IsBest(policy) ? " class=\"best\"" : string.Empty;
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

    private static string Columns(TraceReport trace, IReadOnlyList<PolicyReport> columns) => string.Concat(columns.Select(policy =>
        trace.IsBest(policy) ? $"<th scope=\"col\" class=\"best\">{policy.Policy}</th>" : $"<th scope=\"col\">{policy.Policy}</th>"));

    private static string Rows(IReadOnlyList<PolicyReport> columns, IReadOnlyList<Figure> figures) =>
        string.Concat(figures.Select(figure => Row(columns, figure)));

    private static string Row(IReadOnlyList<PolicyReport> columns, Figure figure)
    {
        var row = new StringBuilder();
        row.Append(CultureInfo.InvariantCulture, $"<tr data-figure=\"{figure.Key}\"><th scope=\"row\" title=\"{Template.Escape(figure.Meaning)}\">{Template.Escape(figure.Label)}</th>");
        foreach (PolicyReport policy in columns)
        {
            bool isBest = figure.IsBest(policy, columns);
            row.Append(CultureInfo.InvariantCulture, $"<td data-policy=\"{policy.Policy}\"{(isBest ? " class=\"best\"" : "")}>{Template.Escape(figure.Show(policy))}");
            row.Append(isBest ? "<span class=\"hidden\"> (best)</span></td>" : "</td>");
        }

        return row.Append("</tr>\n").ToString();
    }
}
