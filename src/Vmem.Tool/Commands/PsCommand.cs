using System.CommandLine;
using Spectre.Console;
using Vmem.Tool.Files;
using Vmem.Tool.Processes;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Commands;

/// <summary><c>vmem ps</c>: the running programs that have arenas.</summary>
internal static class PsCommand
{
    public static Command Create(ToolConsole console)
    {
        var json = new Option<bool>("--json") { Description = "A JSON object for each program, a line each, with all its arenas." };
        var command = new Command("ps", "Lists the running .NET programs that have arenas.") { json };
        command.SetAction((parsed, cancellationToken) => ToolCommand.RunAsync(
            console, () => Execute(console, parsed.GetValue(json), cancellationToken), cancellationToken));
        return command;
    }

    private static void Execute(ToolConsole console, bool asJson, CancellationToken cancellationToken)
    {
        IReadOnlyList<(int Pid, string Name, Rundown Rundown)> processes = RunningProcesses.WithArenas(cancellationToken);
        if (asJson)
        {
            foreach ((int pid, string name, Rundown rundown) in processes)
            {
                console.Output.WriteLine(TopJson.Process(pid, name, rundown));
            }

            return;
        }

        if (processes.Count == 0)
        {
            console.Output.WriteLine("no running .NET program of this user has arenas");
            return;
        }

        IAnsiConsole terminal = Terminals.Create(console.Output, console.OutputIsTerminal);
        var table = new Table { Border = TableBorder.None };
        _ = table.AddColumn(new TableColumn("pid").RightAligned()).AddColumn("program").AddColumn(new TableColumn("arenas").RightAligned())
            .AddColumn(new TableColumn("segments").RightAligned()).AddColumn(new TableColumn("failures").RightAligned())
            .AddColumn(new TableColumn("waiting").RightAligned()).AddColumn("the largest");
        foreach ((int pid, string name, Rundown rundown) in processes)
        {
            ArenaFigures? largest = rundown.Arenas.MaxBy(static arena => arena.Segments);
            _ = table.AddRow($"{pid}", Markup.Escape(PlainText.Of(name)), Units.Count(rundown.Arenas.Count),
                Units.Count(rundown.Arenas.Sum(static arena => arena.Segments)),
                Units.Count(rundown.Arenas.Sum(static arena => arena.Failures)),
                Units.Count(rundown.Arenas.Sum(static arena => arena.Waiting)), Markup.Escape(PlainText.Of(largest?.Title ?? "")));
        }

        terminal.Write(table);
    }
}
