using System.CommandLine;
using Spectre.Console;
using Vmem.Tool.Processes;

namespace Vmem.Tool.Commands;

/// <summary><c>vmem top</c>: the figures of a running program, again and again.</summary>
internal static class TopCommand
{
    public static Command Create(ToolConsole console)
    {
        Option<int?> pid = ProcessOption();
        var interval = new Option<double>("--interval")
        {
            Description = "Seconds between two looks.",
            HelpName = "SECONDS",
            DefaultValueFactory = static _ => 1,
        };
        var count = new Option<int>("--count", "-n")
        {
            Description = "How many looks. [default: until Ctrl-C, or until the program ends]",
            HelpName = "N",
        };
        var sort = new Option<string>("--sort", "-s") { Description = "What comes first.", DefaultValueFactory = static _ => "in-use" };
        sort.AcceptOnlyFromAmong("in-use", "size", "free", "fragmentation", "rate", "failures", "waiting", "name");
        var json = new Option<bool>("--json") { Description = "A JSON object a line, for each look." };
        var command = new Command("top", "Shows the arenas, heaps, pools and caches of a running program as they change.")
        {
            pid, interval, count, sort, json,
        };
        command.SetAction((parsed, cancellationToken) => ToolCommand.RunAsync(
            console,
            () => new TopRun(console, new TopOptions(parsed.GetValue(pid), parsed.GetValue(interval), parsed.GetValue(count),
                Enum.Parse<TopOrder>(parsed.GetValue(sort)!.Replace("-", "", StringComparison.Ordinal), ignoreCase: true),
                parsed.GetValue(json))).Execute(cancellationToken),
            cancellationToken));
        return command;
    }

    public static Option<int?> ProcessOption() => new("--pid", "-p")
    {
        Description = "The number of the running program. [default: the only one that has arenas]",
        HelpName = "PID",
    };

    /// <summary>The process that was named, or the only one that has arenas.</summary>
    public static int Choose(int? pid, CancellationToken cancellationToken)
    {
        if (pid is { } named)
        {
            return named;
        }

        IReadOnlyList<(int Pid, string Name, Rundown Rundown)> all = RunningProcesses.WithArenas(cancellationToken);
        return all.Count switch
        {
            1 => all[0].Pid,
            0 => throw new UsageException("no running .NET program of this user has arenas"),
            _ => throw new UsageException($"several programs have arenas, name one with -p: {string.Join(", ", all.Select(static each => $"{each.Pid} ({each.Name})"))}"),
        };
    }
}

/// <summary>What was asked of <c>vmem top</c>.</summary>
internal sealed record TopOptions(int? Pid, double Interval, int Count, TopOrder Order, bool AsJson);
