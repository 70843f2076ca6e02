using Spectre.Console;

namespace Vmem.Tool.Reports;

/// <summary>What rounding costs by size, on the terminal: the first few rows.</summary>
internal static class WasteTable
{
    // As many as the other tables have; arbitrary.
    private const int MostRows = 5;

    public const string Title = "Lost to rounding at the peak, by size";

    public static void Write(IAnsiConsole console, TraceReport trace)
    {
        if (WasteFigures.Of(trace) is not WasteFigures figures)
        {
            return;
        }

        console.WriteLine($"{Title}: {figures.Summary}");
        new Grid(
            [.. figures.Heads.Select(head => new GridCell(head))],
            [.. figures.Rows.Take(MostRows).Select(row => row.Select(cell => new GridCell(cell)).ToList())])
        {
            KeepsLabels = true,
        }.Write(console);
    }
}
