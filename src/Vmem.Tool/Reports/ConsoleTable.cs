using Spectre.Console;

namespace Vmem.Tool.Reports;

/// <summary>
/// The table on the terminal: a figure a line, a policy a column, so that five policies fit into 80 columns (the other way round twelve
/// figures would not).
/// </summary>
internal static class ConsoleTable
{
    public static void Write(IAnsiConsole console, TraceReport trace)
    {
        console.Write(new Text($"{trace.Name}  ", new Style(decoration: Decoration.Bold)));
        console.WriteLine($"{trace.Format}, {Units.Count(trace.Events)} events, at most {Units.Count(trace.PeakLiveObjects)} objects live");
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn(new TableColumn(string.Empty).NoWrap());
        foreach (PolicyReport policy in trace.Policies)
        {
            string name = policy.Policy == trace.Best && trace.Policies.Count > 1 ? $"[bold green]{policy.Policy}[/]" : policy.Policy;
            table.AddColumn(new TableColumn(name).RightAligned().NoWrap());
        }

        foreach (Figure figure in Figure.Of(trace.Policies))
        {
            table.AddRow([figure.Label, .. trace.Policies.Select(policy => Cell(figure, policy, trace.Policies))]);
        }

        console.Write(table);
        foreach (string note in TraceNotes.Write(trace))
        {
            console.WriteLine(note);
        }

        console.Write(new Text(trace.Verdict, new Style(decoration: Decoration.Bold)));
        console.WriteLine();
    }

    private static string Cell(Figure figure, PolicyReport policy, IReadOnlyList<PolicyReport> all)
    {
        string text = Markup.Escape(figure.Show(policy));
        return figure.IsBest(policy, all) ? $"[green]{text}[/]" : text;
    }
}
