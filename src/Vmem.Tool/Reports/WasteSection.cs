using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>What rounding costs by size, on the page: five rows, the rest folded.</summary>
internal static class WasteSection
{
    private const int MostRows = 5;

    public static string Write(TraceReport trace)
    {
        if (WasteFigures.Of(trace) is not WasteFigures figures)
        {
            return string.Empty;
        }

        string tables = Table(figures, figures.Rows.Take(MostRows), WasteTable.Title);
        if (figures.Rows.Count > MostRows)
        {
            tables += $"<details>\n<summary>{Units.Count(figures.Rows.Count - MostRows)} more sizes</summary>\n"
                + Table(figures, figures.Rows.Skip(MostRows), $"{WasteTable.Title}, the rest") + "</details>\n";
        }

        return new Template("waste.html").Text("title", WasteTable.Title).Text("summary", figures.Summary).Markup("tables", tables).Fill();
    }

    private static string Table(WasteFigures figures, IEnumerable<IReadOnlyList<string>> rows, string label)
    {
        var table = new StringBuilder();
        _ = table.Append("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"").Append(Template.Escape(label))
            .Append("\">\n<table class=\"figures waste\">\n<thead><tr>");
        foreach (string head in figures.Heads)
        {
            _ = table.Append("<th scope=\"col\">").Append(Template.Escape(head)).Append("</th>");
        }

        _ = table.Append("</tr></thead>\n<tbody>\n");
        foreach (IReadOnlyList<string> row in rows)
        {
            _ = table.Append("<tr><th scope=\"row\">").Append(Template.Escape(row[0])).Append("</th>");
            foreach (string cell in row.Skip(1))
            {
                _ = table.Append("<td>").Append(Template.Escape(cell)).Append("</td>");
            }

            _ = table.Append("</tr>\n");
        }

        return table.Append("</tbody>\n</table>\n</div>\n").ToString();
    }
}
