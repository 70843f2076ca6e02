using Spectre.Console;

namespace Vmem.Tool.Reports;

/// <summary>
/// The tables on the terminal: a figure a line, a policy a column, so that five policies fit into 80 columns (the other way round the
/// figures would not). On a narrower terminal it is the other way round, with the figures that decide.
/// </summary>
internal static class ConsoleTable
{
    private const string Winner = "bold green";
    private const string Best = "green";

    /// <param name="console">Where to.</param>
    /// <param name="report">All that was replayed.</param>
    /// <param name="trace">One recording of it.</param>
    /// <param name="details">Whether the second table is wanted.</param>
    public static void Write(IAnsiConsole console, ReplayReport report, TraceReport trace, bool details)
    {
        console.Write(new Paragraph($"{trace.Name}  ", new Style(decoration: Decoration.Bold))
            .Append($"{trace.Format}, {Units.Count(trace.Events)} events, at most {Units.Count(trace.PeakLiveObjects)} objects live"));
        console.WriteLine();
        foreach (string note in TraceNotes.Write(trace))
        {
            console.WriteLine(note);
        }

        foreach (AnswerReport answer in trace.Answers)
        {
            WriteAnswer(console, trace, answer, report.Limit is not null, details);
        }

        if (details)
        {
            console.WriteLine(Figure.AboutFragmentation);
            WasteTable.Write(console, trace);
        }

        SiteTables.Write(console, trace);
    }

    private static void WriteAnswer(IAnsiConsole console, TraceReport trace, AnswerReport answer, bool isLimited, bool details)
    {
        IReadOnlyList<PolicyReport> columns = trace.ColumnsOf(answer);
        if (trace.Answers.Count > 1)
        {
            console.WriteLine($"{answer.Title}:");
        }

        Grid figures = Figures(trace, columns, Figure.Answer(columns, isLimited));
        if (figures.Width > console.Profile.Width)
        {
            figures = Short(trace, columns).Cut(console.Profile.Width);
        }

        figures.Write(console);
        console.Write(new Text(answer.Verdict, new Style(decoration: Decoration.Bold)));
        console.WriteLine();
        if (answer.Consequence is not null)
        {
            console.Write(new Text(answer.Consequence));
            console.WriteLine();
        }

        if (details)
        {
            Figures(trace, columns, Figure.Details(columns)).Write(console);
        }
    }

    private static Grid Figures(TraceReport trace, IReadOnlyList<PolicyReport> columns, IReadOnlyList<Figure> figures) => new(
        [new GridCell(string.Empty), .. columns.Select(policy => Name(trace, policy))],
        [
            .. figures.Select(figure =>
                (GridCell[])[new GridCell(figure.Label), .. columns.Select(policy => Cell(figure, policy, columns))]),
        ]);

    // What decides, from what matters most: the last columns are cut off where even these do not fit.
    private static Grid Short(TraceReport trace, IReadOnlyList<PolicyReport> policies)
    {
        bool anyFails = policies.Any(policy => policy.Failures > 0);
        return new Grid(
            [new(string.Empty), new("needs"), new("overhead"), .. anyFails ? [new GridCell("failures")] : Array.Empty<GridCell>(), new("median")],
            [.. policies.Select(policy => (GridCell[])
            [
                Name(trace, policy),
                new(Units.Amount(policy.CostBytes, policy.CountsBytes)),
                new(policy.Overhead is double overhead ? Units.Percent(overhead) : "–"),
                .. anyFails ? [new GridCell(Units.Count(policy.Failures))] : Array.Empty<GridCell>(),
                new(Units.Nanoseconds(policy.MedianNanoseconds)),
            ])]);
    }

    private static GridCell Name(TraceReport trace, PolicyReport policy) => new(policy.Policy, trace.IsBest(policy) ? Winner : null);

    private static GridCell Cell(Figure figure, PolicyReport policy, IReadOnlyList<PolicyReport> all) =>
        new(figure.Show(policy), figure.IsBest(policy, all) ? Best : null);
}
