using Spectre.Console;

namespace Vmem.Benchmarks.Reports;

/// <summary>A study's report on the terminal.</summary>
internal static class ConsoleReport
{
    public static void Write(IAnsiConsole console, StudyReport report)
    {
        console.WriteLine();
        console.Write(new Rule(Markup.Escape(report.Title)).LeftJustified());
        console.MarkupLineInterpolated($"[grey]{report.Method}[/]");
        console.MarkupLineInterpolated($"[grey]{report.Machine}[/]");
        foreach (ReportTable source in report.Tables)
        {
            console.Write(MakeTable(source));
        }
        foreach (Bar bar in report.Bars)
        {
            console.MarkupLine($"[{(bar.Met ? "green" : "red")}]{Markup.Escape(bar.Sentence)}[/]");
        }
        foreach (string note in report.Notes)
        {
            console.MarkupLineInterpolated($"[grey]{note}[/]");
        }
    }

    private static Table MakeTable(ReportTable source)
    {
        Table table = new Table().Title(Markup.Escape(source.Caption)).Border(TableBorder.Rounded);
        for (int i = 0; i < source.Columns.Count; i++)
        {
            var column = new TableColumn(Markup.Escape(source.Columns[i]));
            table.AddColumn(i == 0 ? column.NoWrap() : column.RightAligned());
        }
        foreach (IReadOnlyList<string> row in source.Rows)
        {
            table.AddRow([.. row.Select(Markup.Escape)]);
        }
        return table;
    }
}
