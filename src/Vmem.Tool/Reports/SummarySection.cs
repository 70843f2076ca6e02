using System.Globalization;
using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>Several recordings in one table, on the page: each name leads to its section.</summary>
internal static class SummarySection
{
    public static string Write(ReplayReport report)
    {
        var summary = new Summary(report);
        var rows = new StringBuilder();
        int index = 0;
        foreach (IReadOnlyList<SummaryCell> row in summary.Rows())
        {
            string name = Template.Escape(row[0].Text);
            name = index++ < report.Traces.Count ? string.Create(CultureInfo.InvariantCulture, $"<a href=\"#trace-{index}\">{name}</a>") : name;
            _ = rows.Append("<tr><th scope=\"row\">").Append(name).Append("</th>");
            foreach (SummaryCell cell in row.Skip(1))
            {
                _ = rows.Append(cell.IsBest ? "<td class=\"best\">" : "<td>").Append(Template.Escape(cell.Text))
                    .Append(cell.IsBest ? "<span class=\"hidden\"> (best)</span></td>" : "</td>");
            }

            _ = rows.Append("</tr>\n");
        }

        return new Template("summary.html")
            .Text("title", Summary.Title)
            .Markup("heads", string.Concat(summary.Heads.Select(head => $"<th scope=\"col\">{Template.Escape(head)}</th>")))
            .Markup("rows", rows.ToString())
            .Fill();
    }
}
