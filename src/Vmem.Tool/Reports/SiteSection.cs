using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>Who holds the most and who causes the holes, on the page.</summary>
internal static class SiteSection
{
    public static string Write(TraceReport trace) =>
        Write(SiteFigures.Holders(trace), string.Empty) + Write(SiteFigures.Pins(trace), SiteFigures.AboutPins);

    private static string Write(SiteFigures? figures, string about)
    {
        if (figures is null)
        {
            return string.Empty;
        }

        var rows = new StringBuilder();
        foreach (SiteRow row in figures.Rows)
        {
            _ = rows.Append("<tr>");
            foreach (string cell in row.Cells)
            {
                _ = rows.Append("<td>").Append(Template.Escape(cell)).Append("</td>");
            }

            _ = rows.Append("<td class=\"stack\"><ol>");
            foreach (string frame in row.Stack.DefaultIfEmpty(SiteFigures.UnknownStack))
            {
                _ = rows.Append("<li>").Append(Template.Escape(frame)).Append("</li>");
            }

            _ = rows.Append("</ol></td></tr>\n");
        }

        return new Template("sites.html")
            .Text("title", figures.Title)
            .Text("about", about)
            .Markup("heads", string.Concat(figures.Heads.Select(head => $"<th scope=\"col\">{Template.Escape(head)}</th>")))
            .Markup("rows", rows.ToString())
            .Fill();
    }
}
