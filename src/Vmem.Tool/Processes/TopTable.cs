using Spectre.Console;
using Vmem.Tool.Files;

namespace Vmem.Tool.Processes;

/// <summary>The table of <c>vmem top</c>: as many columns as the terminal is wide, as many rows as it is high, and a line for each
/// row.</summary>
internal static class TopTable
{
    /// <summary>Lines of a terminal that are no rows: the frame, the heading, the line above and the one below.</summary>
    private const int OtherLines = 7;

    /// <summary>Characters of a line beside a cell: a blank on each side, and the bar.</summary>
    private const int Beside = 3;

    /// <summary>A name is cut rather than that a column goes, but not to fewer characters.</summary>
    private const int LeastName = 12;

    /// <param name="heading">The line above the table.</param>
    /// <param name="things">What was measured.</param>
    /// <param name="order">What comes first.</param>
    /// <param name="width">Characters in a line.</param>
    /// <param name="height">Lines; 0: any number.</param>
    public static Table Create(string heading, IReadOnlyCollection<MeasuredThing> things, TopOrder order, int width, int height)
    {
        int rows = height == 0 ? things.Count : Math.Max(1, height - OtherLines);
        MeasuredThing[] shown = [.. TopColumns.Sort(things, order).Take(rows)];
        int kind = shown.Select(static thing => thing.Kind.Length).Append("kind".Length).Max();
        int name = shown.Select(static thing => thing.Title.Length).Append("name".Length).Max();
        List<Column> columns = [.. TopColumns.All.Select(column => new Column(column.Title, column.Rank, [.. shown.Select(column.Show)]))];
        int Left() => width - 1 - (kind + Beside) - Beside - columns.Sum(static column => column.Width + Beside);
        while (columns.Count > 1 && Left() < Math.Min(name, LeastName))
        {
            _ = columns.Remove(columns.MaxBy(static column => column.Rank)!);
        }

        name = Math.Clamp(Left(), 1, name);
        var table = new Table { Border = TableBorder.Rounded };
        _ = table.Title(Markup.Escape(PlainText.Of(Cut(heading, width))));
        _ = table.AddColumn(new TableColumn("kind").NoWrap()).AddColumn(new TableColumn("name").NoWrap());
        foreach (Column column in columns)
        {
            TableColumn shape = new TableColumn(column.Title).NoWrap();
            _ = table.AddColumn(column.Title == TopColumns.Trend ? shape : shape.RightAligned());
        }

        for (int row = 0; row < shown.Length; row++)
        {
            _ = table.AddRow([Markup.Escape(PlainText.Of(shown[row].Kind)), Markup.Escape(PlainText.Of(Cut(shown[row].Title, name))),
                .. columns.Select(column => Markup.Escape(column.Cells[row]))]);
        }

        return things.Count <= rows ? table : table.Caption($"and {things.Count - rows} more");
    }

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..(most - 1)] + "…";

    /// <summary>A column as it will be written.</summary>
    private sealed record Column(string Title, int Rank, string[] Cells)
    {
        public int Width { get; } = Cells.Select(static cell => cell.Length).Append(Title.Length).Max();
    }
}
