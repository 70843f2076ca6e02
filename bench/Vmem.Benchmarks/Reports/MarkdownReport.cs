using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Vmem.Benchmarks.Reports;

/// <summary>The studies as one Markdown page, from which docs/performance.md takes its tables.</summary>
internal static class MarkdownReport
{
    public static string Render(IReadOnlyList<StudyReport> reports)
    {
        var page = new StringBuilder();
        page.AppendLine("# Studies").AppendLine();
        page.AppendLine(CultureInfo.InvariantCulture, $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}, {Environment.ProcessorCount} processors.");
        foreach (StudyReport report in reports)
        {
            page.AppendLine();
            Append(page, report);
        }
        return page.ToString();
    }

    /// <summary>One study, from its heading on.</summary>
    public static string Render(StudyReport report)
    {
        var section = new StringBuilder();
        Append(section, report);
        return section.ToString();
    }

    private static void Append(StringBuilder page, StudyReport report)
    {
        page.AppendLine(CultureInfo.InvariantCulture, $"## {report.Title}").AppendLine();
        page.AppendLine(report.Method).AppendLine();
        page.AppendLine(report.Machine);
        foreach (ReportTable table in report.Tables)
        {
            AppendTable(page, table);
        }
        AppendList(page, report.Bars.Select(bar => bar.Sentence));
        AppendList(page, report.Notes);
    }

    private static void AppendTable(StringBuilder page, ReportTable table)
    {
        page.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"**{table.Caption}**").AppendLine();
        AppendRow(page, table.Columns);
        AppendRow(page, [.. table.Columns.Select((_, i) => i == 0 ? "---" : "---:")]);
        foreach (IReadOnlyList<string> row in table.Rows)
        {
            AppendRow(page, row);
        }
    }

    private static void AppendRow(StringBuilder page, IReadOnlyList<string> cells)
        => page.Append("| ").AppendJoin(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal))).AppendLine(" |");

    private static void AppendList(StringBuilder page, IEnumerable<string> items)
    {
        string[] lines = [.. items];
        if (lines.Length == 0)
        {
            return;
        }
        page.AppendLine();
        foreach (string line in lines)
        {
            page.Append("- ").AppendLine(line);
        }
    }
}
