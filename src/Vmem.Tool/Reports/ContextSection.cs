using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>The context's part of the page.</summary>
internal static class ContextSection
{
    public static string Write(ContextReport context)
    {
        var rows = new StringBuilder();
        foreach (ClientReport client in context.Clients)
        {
            IReadOnlyList<string> cells = ContextTable.Cells(client);
            _ = rows.Append("<tr><th scope=\"row\">").Append(Template.Escape(cells[0])).Append("</th>");
            foreach (string cell in cells.Skip(1))
            {
                _ = rows.Append("<td>").Append(Template.Escape(cell)).Append("</td>");
            }

            _ = rows.Append("</tr>\n");
        }

        return new Template("context.html")
            .Text("facts", context.Describe())
            .Markup("heads", string.Concat(ContextTable.Heads.Select(head => $"<th scope=\"col\">{Template.Escape(head)}</th>")))
            .Markup("rows", rows.ToString())
            .Text("end", context.DescribeEnd())
            .Fill();
    }
}
