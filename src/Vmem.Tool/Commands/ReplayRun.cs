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
    private readonly ReplayInputs _inputs;
    private ArenaSnapshot<ulong>? _snapshot;
    private volatile bool _isPlacing;

    public ReplayRun(ReplayOptions options, ToolConsole console)
    {
        _options = options with { Traces = RecordingFolder.Expand(options.Traces) };
        _console = console;
        _inputs = new ReplayInputs(_options, console);
    }

    /// <summary>What an interrupt leaves.</summary>
    public string Interrupted => _isPlacing ? "the files were complete, and may be in their places" : ToolCommand.NothingWritten;

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
        AddFiles(files, report);
        files.Stage(cancellationToken);
        _isPlacing = true;
        files.Commit();
        Show(report);
    }

    private ReplayReport Replay(CancellationToken cancellationToken)
    {
        TargetFactory targets = _options.Targets;
        // A recorded arena, and standard input, are replayed through the arena alone, under more policies than beside others.
        TargetFactory warm = _options.IsUsual ? targets with { Policies = PolicyNames.Usual } : targets;
        Show("warming up", () => warm.WarmUp(_console.WarmUpRounds, cancellationToken), cancellationToken);
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
        _inputs.CheckMemory([path], cancellationToken);
        using TraceReplay replay = _inputs.Open(path, context, cancellationToken);
        if (_options.SnapshotAt == SnapshotMoment.Peak && replay.Input.Length is null)
        {
            throw new UsageException($"--snapshot-at peak reads the recording twice, and {path} is no file that can be; save it to one");
        }

        ReplayProgress.Run(_options.ShowProgress, _console, [replay.Input], "", () => replay.Run(cancellationToken), cancellationToken);
        MeasureResident(replay, path, cancellationToken);
        if (_options.SnapshotFile is not null)
        {
            ReplayLane best = Recommendation.Choose([.. replay.Lanes.Where(lane => lane.Target is ArenaTarget)]).Best;
            _snapshot = _options.SnapshotAt == SnapshotMoment.Peak
                ? TakeAtPeak(path, ((ArenaTarget)best.Target).Policy, replay.Sites.PeakEvents, cancellationToken)
                : ((ArenaTarget)best.Target).Snapshot(best.Range);
        }

        return ReportBuilder.Build(replay);
    }

    // When the peak was is known only now, and which policy is the best: so that much is replayed once more.
    private ArenaSnapshot<ulong> TakeAtPeak(string path, FitPolicy policy, long events, CancellationToken cancellationToken)
    {
        using TraceReplay replay = _inputs.OpenFor(path, policy);
        ReplayProgress.Run(
            _options.ShowProgress, _console, [replay.Input], "once more to the peak of ", () => replay.Advance(events, cancellationToken),
            cancellationToken);
        ReplayLane lane = replay.Lanes[0];
        return ((ArenaTarget)lane.Target).Snapshot(lane.Range);
    }

    private List<TraceReport> ReplayTogether(ClientContext context, CancellationToken cancellationToken)
    {
        _inputs.CheckMemory(_options.Traces, cancellationToken);
        List<long> events = [.. _options.Traces.Select(path => _inputs.Measure(path, ReplayInputs.ForTurns, cancellationToken).Events)];
        var replays = new List<TraceReplay>();
        try
        {
            replays.AddRange(_options.Traces.Select(path => _inputs.Open(path, context, cancellationToken)));
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
        if (replay.Input.Length is null)
        {
            return;
        }

        foreach (ReplayLane lane in replay.Lanes.Where(lane => lane.Target is BlockTarget).ToArray())
        {
            var target = (BlockTarget)lane.Target;
            try
            {
                Show(
                    $"measuring the memory of {target.Name}",
                    () => target.Resident =
                        ResidentCommand.Start(_console, target.Allocator, path, _options.Targets.Limit, cancellationToken),
                    cancellationToken);
            }
            catch (ProcessEndedException) when (_options.IsUsual)
            {
                // The user did not ask for it, and the others have their figures.
                replay.LeaveOut(lane, $"{target.Name} is left out: the process that measured it was ended from outside, perhaps by the system for want of memory.");
            }
        }
    }

    // Something moves on the terminal from the first second on, though nobody knows how long these take.
    private void Show(string doing, Action work, CancellationToken cancellationToken) =>
        ReplayProgress.Run(_options.ShowProgress, _console, [], doing, work, cancellationToken);

    private void AddFiles(OutputFiles files, ReplayReport report)
    {
        if (_options.JsonFile is not null)
        {
            files.Add(_options.JsonFile, stream => ReportJson.Write(report, stream));
        }

        if (_options.ReportFile is not null)
        {
            files.Add(_options.ReportFile, stream => HtmlReport.Write(report, stream));
        }

        if (_options.MapFile is not null)
        {
            files.Add(_options.MapFile, stream => TimeMapSvg.Write(report.Traces[0], stream));
        }

        if (_options.SnapshotFile is not null)
        {
            files.Add(_options.SnapshotFile, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(_snapshot!.ToJson())));
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

        IAnsiConsole console = Terminals.Create(_console.Output, _console.OutputIsTerminal, _console.Columns);
        bool isSummary = _options.IsFolder && !_options.ShowDetails && report.Traces.Count > 1;
        foreach (TraceReport trace in isSummary ? [] : report.Traces)
        {
            ConsoleTable.Write(console, report, trace, _options.ShowDetails);
        }

        if (report.Traces.Count > 1)
        {
            SummaryTable.Write(console, report);
        }

        if (isSummary)
        {
            WriteNotes(console, report);
            console.WriteLine("One recording by itself has a verdict and more figures; so have all with --details, and in a --report.");
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

    private static void WriteNotes(IAnsiConsole console, ReplayReport report)
    {
        foreach (TraceReport trace in report.Traces)
        {
            foreach (string note in TraceNotes.Write(trace))
            {
                console.WriteLine($"{TraceNotes.ShortName(trace)}: {note}");
            }
        }
    }
}
