using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>Who holds the most and who causes the holes, on the page: five rows, the rest folded.</summary>
internal static class SiteSection
{
    private const int MostRows = 5;

    public static string Write(TraceReport trace) =>
        Write(SiteFigures.Holders(trace), string.Empty) + Write(SiteFigures.Pins(trace), SiteFigures.AboutPins);

    private static string Write(SiteFigures? figures, string about)
    {
        if (figures is null)
        {
            return string.Empty;
        }

        string tables = Table(figures, figures.Rows.Take(MostRows), figures.Title);
        if (figures.Rows.Count > MostRows)
        {
            tables += $"<details>\n<summary>{Units.Count(figures.Rows.Count - MostRows)} more</summary>\n"
                + Table(figures, figures.Rows.Skip(MostRows), $"{figures.Title}, the rest") + "</details>\n";
        }

        return new Template("sites.html").Text("title", figures.Title).Text("about", about).Markup("tables", tables).Fill();
    }

    private static string Table(SiteFigures figures, IEnumerable<SiteRow> rows, string label)
    {
        var markup = new StringBuilder();
        foreach (SiteRow row in rows)
        {
            _ = markup.Append("<tr>");
            foreach (string cell in row.Cells)
            {
                _ = markup.Append("<td>").Append(Template.Escape(cell)).Append("</td>");
            }

            _ = markup.Append("<td class=\"stack\"><ol>");
            foreach (string frame in row.Stack.DefaultIfEmpty(SiteFigures.UnknownStack))
            {
                _ = markup.Append("<li>").Append(Template.Escape(frame)).Append("</li>");
            }

            _ = markup.Append("</ol></td></tr>\n");
        }

        return new Template("site-table.html")
            .Text("label", label)
            .Markup("heads", string.Concat(figures.Heads.Select(head => $"<th scope=\"col\">{Template.Escape(head)}</th>")))
            .Markup("rows", markup.ToString())
            .Fill();
    }
}
