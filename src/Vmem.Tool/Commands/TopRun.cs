using Spectre.Console;
using Vmem.Tool.Processes;

namespace Vmem.Tool.Commands;

/// <summary>One run of <c>vmem top</c>.</summary>
internal sealed class TopRun(ToolConsole console, TopOptions options)
{
    /// <summary>Less is more work for the program than it is worth; the runtime has the same bound.</summary>
    private const double LeastInterval = 0.1;

    private readonly IAnsiConsole _terminal = Terminals.Create(console.Output, console.OutputIsTerminal);
    private int _looks;

    public void Execute(CancellationToken cancellationToken)
    {
        if (!(options.Interval is >= LeastInterval and <= 86_400) || options.Count < 0)
        {
            throw new UsageException($"an interval is from {LeastInterval} to 86400 seconds, and a count is not negative");
        }

        int pid = TopCommand.Choose(options.Pid, cancellationToken);
        string name = RunningProcesses.NameOf(pid);
        using var feed = new MetricsFeed(pid, options.Interval);
        using CancellationTokenRegistration stop = cancellationToken.Register(static feed => _ = Task.Run(((MetricsFeed)feed!).Stop), feed);
        bool isLive = console.OutputIsTerminal && !options.AsJson;
        if (isLive)
        {
            _terminal.Live(new Text($"waiting for the first figures of {name} ({pid}) …")).AutoClear(false).Start(context => feed.Read(
                things => Look(feed, pid, things, () => context.UpdateTarget(TableOf(pid, name, things, _terminal.Profile.Height)))));
        }
        else
        {
            feed.Read(things => Look(feed, pid, things, () => _terminal.Write(TableOf(pid, name, things, height: 0))));
        }

        if (_looks == 0 && !cancellationToken.IsCancellationRequested)
        {
            throw new ProcessUnreachableException(pid, "it ended before it was measured");
        }
    }

    private void Look(MetricsFeed feed, int pid, IReadOnlyCollection<MeasuredThing> things, Action draw)
    {
        if (options.Count > 0 && _looks >= options.Count)
        {
            return;
        }

        foreach (MeasuredThing thing in things)
        {
            thing.NoteHistory();
        }

        _looks++;
        if (options.AsJson)
        {
            console.Output.WriteLine(TopJson.Sample(pid, options.Interval, TopColumns.Sort(things, options.Order)));
            console.Output.Flush();
        }
        else
        {
            draw();
        }

        if (_looks == options.Count)
        {
            _ = Task.Run(feed.Stop);              // it waits for the reader, and that is this thread
        }
    }

    private Table TableOf(int pid, string name, IReadOnlyCollection<MeasuredThing> things, int height) => TopTable.Create(
        $"{name} ({pid}): {things.Count} measured, each {options.Interval:0.##} s", things, options.Order, _terminal.Profile.Width, height);
}
