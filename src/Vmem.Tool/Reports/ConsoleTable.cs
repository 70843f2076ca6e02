using Spectre.Console;

namespace Vmem.Tool.Reports;

/// <summary>
/// The tables on the terminal: a figure a line, a policy a column, so that five policies fit into 80 columns (the other way round the
/// figures would not).
/// </summary>
internal static class ConsoleTable
{
    /// <param name="console">Where to.</param>
    /// <param name="report">All that was replayed.</param>
    /// <param name="trace">One recording of it.</param>
    /// <param name="details">Whether the second table is wanted.</param>
    public static void Write(IAnsiConsole console, ReplayReport report, TraceReport trace, bool details)
    {
        console.Write(new Text($"{trace.Name}  ", new Style(decoration: Decoration.Bold)));
        console.WriteLine($"{trace.Format}, {Units.Count(trace.Events)} events, at most {Units.Count(trace.PeakLiveObjects)} objects live");
        WriteFigures(console, trace, Figure.Answer(trace.Policies, report.Limit is not null));
        foreach (string note in TraceNotes.Write(trace))
        {
            console.WriteLine(note);
        }

        console.Write(new Text(trace.Verdict, new Style(decoration: Decoration.Bold)));
        console.WriteLine();
        if (details)
        {
            WriteFigures(console, trace, Figure.Details(trace.Policies));
            console.WriteLine(Figure.AboutFragmentation);
        }

        SiteTables.Write(console, trace);
    }

    private static void WriteFigures(IAnsiConsole console, TraceReport trace, IReadOnlyList<Figure> figures)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn(new TableColumn(string.Empty).NoWrap());
        foreach (PolicyReport policy in trace.Policies)
        {
            string name = policy.Policy == trace.Best && trace.Policies.Count > 1 ? $"[bold green]{policy.Policy}[/]" : policy.Policy;
            table.AddColumn(new TableColumn(name).RightAligned().NoWrap());
        }

        foreach (Figure figure in figures)
        {
            table.AddRow([figure.Label, .. trace.Policies.Select(policy => Cell(figure, policy, trace.Policies))]);
        }

        console.Write(table);
    }

    private static string Cell(Figure figure, PolicyReport policy, IReadOnlyList<PolicyReport> all)
    {
        string text = Markup.Escape(figure.Show(policy));
        return figure.IsBest(policy, all) ? $"[green]{text}[/]" : text;
    }
}
