using Spectre.Console;

namespace Vmem.Tool.Reports;

/// <summary>Several recordings in one table, on the terminal.</summary>
internal static class SummaryTable
{
    public static void Write(IAnsiConsole console, ReplayReport report)
    {
        var summary = new Summary(report);
        console.WriteLine($"{Summary.Title}.");
        new Grid(
            [.. summary.Heads.Select(head => new GridCell(head))],
            [.. summary.Rows().Select(row => row.Select(CellOf).ToList())]).Write(console);

        static GridCell CellOf(SummaryCell cell) => new(cell.Text, cell.IsBest ? "green" : null);
    }
}
