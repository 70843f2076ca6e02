using Spectre.Console;

namespace Vmem.Tool.Reports;

/// <summary>Who holds the most and who causes the holes, on the terminal: the first few, and of their stacks the innermost frames.</summary>
internal static class SiteTables
{
    // What fits on a screen beside the main table; arbitrary.
    private const int MostRows = 5;
    private const int MostFrames = 3;
    private const int LongestFrame = 60;

    public static void Write(IAnsiConsole console, TraceReport trace)
    {
        if (SiteFigures.Holders(trace) is SiteFigures holders)
        {
            Write(console, holders);
        }

        if (SiteFigures.Pins(trace) is SiteFigures pins)
        {
            Write(console, pins);
        }
    }

    private static void Write(IAnsiConsole console, SiteFigures figures)
    {
        console.WriteLine(figures.Title);
        var table = new Table { Border = TableBorder.Rounded };
        foreach (string head in figures.Heads)
        {
            var column = new TableColumn(head);
            table.AddColumn(head == figures.Heads[^1] ? column : column.RightAligned().NoWrap());
        }

        foreach (SiteRow row in figures.Rows.Take(MostRows))
        {
            string stack = row.Stack.Count == 0 ? SiteFigures.UnknownStack : string.Join(" ← ", row.Stack.Take(MostFrames).Select(Shorten));
            table.AddRow([.. row.Cells.Select(Markup.Escape), Markup.Escape(stack)]);
        }

        console.Write(table);
    }

    private static string Shorten(string frame) => frame.Length <= LongestFrame ? frame : frame[..(LongestFrame - 1)] + "…";
}
