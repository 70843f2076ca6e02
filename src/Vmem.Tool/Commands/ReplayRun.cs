using Spectre.Console;
using Vmem.Tool.Replay;
using Vmem.Tool.Reports;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Commands;

/// <summary>
/// One run of <c>vmem replay</c>: every recording through every allocator, then all outputs at once. An error on the way leaves no output
/// behind.
/// </summary>
internal sealed class ReplayRun
{
    private readonly ReplayOptions _options;
    private readonly ToolConsole _console;
    private ArenaSnapshot<ulong>? _snapshot;

    public ReplayRun(ReplayOptions options, ToolConsole console)
    {
        _options = options;
        _console = console;
    }

    public void Execute(CancellationToken cancellationToken)
    {
        ReplayChecks.Check(_options);
        ReplayReport report;
        try
        {
            report = Replay(cancellationToken);
        }
        catch (OutOfMemoryException)
        {
            throw new IOException("there is not enough memory for what the recordings are replayed through; a smaller --limit, or a larger --quantum, needs less");
        }

        using var files = new OutputFiles();
        StageFiles(files, report);
        cancellationToken.ThrowIfCancellationRequested();
        files.Commit();
        Show(report);
    }

    private ReplayReport Replay(CancellationToken cancellationToken)
    {
        TargetFactory targets = _options.Targets;
        Show("warming up", () => targets.WarmUp(_console.WarmUpRounds, cancellationToken), cancellationToken);
        using ClientContext? context = targets.CreateContext();
        List<TraceReport> traces = _options.AreInterleaved
            ? ReplayTogether(context!, cancellationToken)
            : [.. _options.Traces.Select(path => ReplayAlone(path, context, cancellationToken))];
        return new ReplayReport
        {
            Quantum = targets.Quantum,
            Limit = targets.Limit,
            Traces = traces,
            Context = context is null ? null : ReportBuilder.Build(context),
        };
    }

    private TraceReport ReplayAlone(string path, ClientContext? context, CancellationToken cancellationToken)
    {
        using TraceReplay replay = Open(path, context);
        ReplayProgress.Run(_options.ShowProgress, _console, [replay.Input], "", () => replay.Run(cancellationToken), cancellationToken);
        MeasureResident(replay, path, cancellationToken);
        if (_options.SnapshotFile is not null)
        {
            ReplayLane best = Recommendation.Choose([.. replay.Lanes.Where(lane => lane.Target is ArenaTarget)]).Best;
            _snapshot = ((ArenaTarget)best.Target).Snapshot(best.Range);
        }

        return ReportBuilder.Build(replay);
    }

    private List<TraceReport> ReplayTogether(ClientContext context, CancellationToken cancellationToken)
    {
        List<long> events = [.. _options.Traces.Select(path => Count(path, cancellationToken))];
        var replays = new List<TraceReplay>();
        try
        {
            replays.AddRange(_options.Traces.Select(path => Open(path, context)));
            ReplayProgress.Run(
                _options.ShowProgress, _console, [
                    .. replays.Select(replay => replay.Input)
                ], "", () => Interleaving.Run(replays, events, cancellationToken), cancellationToken);
            foreach ((TraceReplay replay, string path) in replays.Zip(_options.Traces))
            {
                MeasureResident(replay, path, cancellationToken);
            }

            return [.. replays.Select(ReportBuilder.Build)];
        }
        finally
        {
            replays.ForEach(replay => replay.Dispose());
        }
    }

    private void MeasureResident(TraceReplay replay, string path, CancellationToken cancellationToken)
    {
        foreach (BlockTarget target in replay.Lanes.Select(lane => lane.Target).OfType<BlockTarget>())
        {
            Show(
                $"measuring the memory of {target.Name}",
                () => target.Resident = ResidentCommand.Start(_console, target.Allocator, path, _options.Targets.Limit, cancellationToken),
                cancellationToken);
        }
    }

    // Something moves on the terminal from the first second on, though nobody knows how long these take.
    private void Show(string doing, Action work, CancellationToken cancellationToken) =>
        ReplayProgress.Run(_options.ShowProgress, _console, [], doing, work, cancellationToken);

    private long Count(string path, CancellationToken cancellationToken)
    {
        TraceInput input = TraceInput.Open(path, _console.OpenInput);
        if (input.Length is null)
        {
            input.Dispose();
            throw new UsageException($"--allocator client with several recordings reads each of them twice, and {path} is no file that can be; save it to one");
        }

        long events = 0;
        ReplayProgress.Run(
            _options.ShowProgress,
            _console,
            [input],
            "counting ",
            () => events = Interleaving.Count(input, cancellationToken),
            cancellationToken);
        return events;
    }

    private TraceReplay Open(string path, ClientContext? context)
    {
        TraceInput input = TraceInput.Open(path, _console.OpenInput);
        var reader = new TraceReader(input);
        try
        {
            ulong? own = _options.NamesQuantum ? null : reader.ReadQuantum();
            TargetFactory targets = own is { } quantum ? _options.Targets with { Quantum = quantum } : _options.Targets;
            ReplayChecks.CheckTargets(targets);
            return new TraceReplay(input, reader, targets.Create(input.Name, context)) { RecordedQuantum = own };
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    private void StageFiles(OutputFiles files, ReplayReport report)
    {
        if (_options.JsonFile is not null)
        {
            files.Stage(_options.JsonFile, stream => ReportJson.Write(report, stream));
        }

        if (_options.ReportFile is not null)
        {
            files.Stage(_options.ReportFile, stream => HtmlReport.Write(report, stream));
        }

        if (_options.MapFile is not null)
        {
            files.Stage(_options.MapFile, stream => TimeMapSvg.Write(report.Traces[0], stream));
        }

        if (_options.SnapshotFile is not null)
        {
            files.Stage(_options.SnapshotFile, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(_snapshot!.ToJson())));
        }
    }

    private void Show(ReplayReport report)
    {
        if (_options.JsonToOutput)
        {
            using var json = new MemoryStream();
            ReportJson.Write(report, json);
            _console.Output.Write(System.Text.Encoding.UTF8.GetString(json.GetBuffer(), 0, (int)json.Length));
            return;
        }

        IAnsiConsole console = Terminals.Create(_console.Output, _console.OutputIsTerminal);
        foreach (TraceReport trace in report.Traces)
        {
            ConsoleTable.Write(console, report, trace, _options.ShowDetails);
        }

        if (report.Context is not null)
        {
            ContextTable.Write(console, report.Context);
        }

        if (_options.ReportFile is not null)
        {
            console.WriteLine($"Report: {_options.ReportFile}");
        }
    }
}
