using Spectre.Console;
using Vmem.Tool.Files;

namespace Vmem.Tool.Reports;

/// <summary>One cell of a table on the terminal.</summary>
/// <param name="Text">What is in it.</param>
/// <param name="Style">Spectre's name of how it looks; null: plain.</param>
internal readonly record struct GridCell(string Text, string? Style = null)
{
    private string Escaped => Markup.Escape(PlainText.Of(Text));

    public string ToMarkup() => Style is null ? Escaped : $"[{Style}]{Escaped}[/]";
}

/// <summary>
/// A table on the terminal: labels, and figures beside them. A figure is never broken or cut: where the columns do not fit side by side,
/// they follow one another in blocks, each with the labels before it.
/// </summary>
/// <param name="Heads">Of the labels, and of each column of figures.</param>
/// <param name="Rows">A label each, and a figure for each column.</param>
internal sealed record Grid(IReadOnlyList<GridCell> Heads, IReadOnlyList<IReadOnlyList<GridCell>> Rows)
{
    // A line and two blanks for each column, and the last line.
    private const int ColumnFrame = 3;
    private const int LastLine = 1;

    // Labels are broken between words; below this nearly each word would have a line. Arbitrary.
    private const int LeastLabel = 12;

    /// <summary>Whether labels are figures themselves, and never broken either.</summary>
    public bool KeepsLabels { get; init; }

    /// <summary>How many characters wide it is on one line.</summary>
    public int Width => LastLine + Enumerable.Range(0, Heads.Count).Sum(WidthOf);

    /// <summary>The same with its last columns left out until it fits; at least one stays.</summary>
    public Grid Cut(int width)
    {
        int columns = Heads.Count;
        while (columns > 2 && Columns(Enumerable.Range(0, columns)).Width > width)
        {
            columns--;
        }

        return Columns(Enumerable.Range(0, columns));
    }

    public void Write(IAnsiConsole console)
    {
        int width = console.Profile.Width;
        if (Width <= width)
        {
            WriteBlock(console);
            return;
        }

        int label = KeepsLabels ? WidthOf(0) : Math.Min(WidthOf(0), LeastLabel + ColumnFrame);
        for (int next = 1; next < Heads.Count;)
        {
            int first = next;
            int used = LastLine + label + WidthOf(next++);
            while (next < Heads.Count && used + WidthOf(next) <= width)
            {
                used += WidthOf(next++);
            }

            Columns([0, .. Enumerable.Range(first, next - first)]).WriteBlock(console);
        }
    }

    private void WriteBlock(IAnsiConsole console)
    {
        var table = new Table { Border = TableBorder.Rounded };
        for (int column = 0; column < Heads.Count; column++)
        {
            var head = new TableColumn(Heads[column].ToMarkup());
            head = column == 0 ? head : head.RightAligned();
            _ = table.AddColumn(column == 0 && !KeepsLabels ? head : head.NoWrap());
        }

        foreach (IReadOnlyList<GridCell> row in Rows)
        {
            _ = table.AddRow([.. row.Select(cell => cell.ToMarkup())]);
        }

        console.Write(table);
    }

    private int WidthOf(int column) => ColumnFrame + Rows.Select(row => row[column]).Append(Heads[column]).Max(cell => cell.Text.Length);

    private Grid Columns(IEnumerable<int> columns)
    {
        List<int> kept = [.. columns];
        return new Grid([.. kept.Select(column => Heads[column])], [.. Rows.Select(row => kept.Select(column => row[column]).ToList())])
        {
            KeepsLabels = KeepsLabels,
        };
    }
}
