using Spectre.Console;

namespace Vmem.Tool.Reports;

/// <summary>Who holds the most and who causes the holes, on the terminal: the first few, and of their stacks the innermost
/// frames.</summary>
internal static class SiteTables
{
    // What fits on a screen beside the main table; arbitrary.
    private const int MostRows = 5;
    private const int UsualFrames = 3;
    private const int LongestFrame = 60;

    // Below this the stacks would stand in a column of a few letters: of the figures only the first is shown. Arbitrary.
    private const int LeastWidth = 70;

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
        int cells = console.Profile.Width < LeastWidth ? 1 : figures.Heads.Count - 1;
        var table = new Table { Border = TableBorder.Rounded };
        foreach (string head in figures.Heads.Take(cells))
        {
            table.AddColumn(new TableColumn(head).RightAligned().NoWrap());
        }

        table.AddColumn(new TableColumn(figures.Heads[^1]));

        List<SiteRow> rows = [.. figures.Rows.Take(MostRows)];
        foreach (SiteRow row in rows)
        {
            string stack = row.Stack.Count == 0
                ? SiteFigures.UnknownStack
                : string.Join(" ← ", row.Stack.Take(FramesToTell(row, rows)).Select(Shorten));
            table.AddRow([.. row.Cells.Take(cells).Select(Markup.Escape), Markup.Escape(stack)]);
        }

        console.Write(table);
    }

    /// <summary>A few, and as many more as tell the row from all others.</summary>
    private static int FramesToTell(SiteRow row, List<SiteRow> rows)
    {
        int frames = UsualFrames;
        while (frames < row.Stack.Count
            && rows.Exists(other => other != row && other.Stack.Take(frames).SequenceEqual(row.Stack.Take(frames))))
        {
            frames++;
        }

        return frames;
    }

    private static string Shorten(string frame) => frame.Length <= LongestFrame ? frame : frame[..(LongestFrame - 1)] + "…";
}
