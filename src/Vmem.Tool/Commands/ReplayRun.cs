using System.Numerics;
using Spectre.Console;
using Vmem.Tool.Replay;
using Vmem.Tool.Reports;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Commands;

/// <summary>
/// One run of <c>vmem replay</c>: every recording through every policy, then all outputs at once. An error on the way leaves no output
/// behind.
/// </summary>
internal sealed class ReplayRun
{
    private const ulong MaxCachedQuanta = 64;

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
        CheckOptions();
        WarmUp.Run(_options.Policies.Select(CreateTarget), _console.WarmUpRounds, cancellationToken);
        var traces = new List<TraceReport>();
        foreach (string path in _options.Traces)
        {
            traces.Add(Replay(path, cancellationToken));
        }

        var report = new ReplayReport { Quantum = _options.Quantum, Limit = _options.Limit, Traces = traces };
        using var files = new OutputFiles();
        StageFiles(files, report);
        cancellationToken.ThrowIfCancellationRequested();
        files.Commit();
        Show(report);
    }

    private void CheckOptions()
    {
        if (_options.SnapshotFile is not null && _options.Traces.Count > 1)
        {
            throw new UsageException("--snapshot goes with one TRACE only: it is the picture of one arena");
        }

        if (_options.Traces.Count(path => path == TraceInput.StandardInput) > 1)
        {
            throw new UsageException("standard input (\"-\") can be read only once");
        }

        if (!BitOperations.IsPow2(_options.Quantum))
        {
            throw new UsageException($"--quantum: {_options.Quantum} is not a power of two");
        }

        if (_options.Limit < _options.Quantum)
        {
            throw new UsageException($"--limit: {_options.Limit} is less than the quantum, {_options.Quantum}: nothing could be allocated");
        }

        if (_options.CacheMax > MaxCachedQuanta * _options.Quantum)
        {
            throw new UsageException($"--cache: caches keep sizes of at most {MaxCachedQuanta} quanta, {MaxCachedQuanta * _options.Quantum} bytes, and {_options.CacheMax} is more");
        }

        List<string> outputs = [.. _options.OutputPaths.Select(Path.GetFullPath)];
        if (outputs.Distinct().Count() < outputs.Count)
        {
            throw new UsageException("two outputs would go to the same file");
        }

        // "--json TRACE" takes the recording for the file to write: without this check it would be overwritten.
        foreach (string trace in _options.Traces.Where(trace => outputs.Contains(Path.GetFullPath(trace))))
        {
            throw new UsageException($"{trace} is to be read and to be written");
        }

        if (_options.JsonFile is not null && File.Exists(_options.JsonFile) && !LooksLikeJson(_options.JsonFile))
        {
            throw new UsageException(
                $"--json: {_options.JsonFile} exists and holds no JSON, it is not overwritten (a TRACE goes before --json, or after --json=FILE)");
        }
    }

    private static bool LooksLikeJson(string path)
    {
        using FileStream file = File.OpenRead(path);
        return file.ReadByte() is '{' or -1;
    }

    private TraceReport Replay(string path, CancellationToken cancellationToken)
    {
        TraceInput input = TraceInput.Open(path, _console.OpenInput);
        List<ArenaTarget> targets = [.. _options.Policies.Select(CreateTarget)];
        using var replay = new TraceReplay(input, targets);
        ReplayProgress.Run(_options.ShowProgress, _console, input, replay, cancellationToken);
        if (_options.SnapshotFile is not null)
        {
            ReplayLane best = Recommendation.Choose(replay.Lanes).Best;
            _snapshot = targets.Single(target => target == best.Target).Snapshot(best.Range);
        }

        return ReportBuilder.Build(replay);
    }


    private ArenaTarget CreateTarget(FitPolicy policy) => new(policy, _options.Quantum, _options.Limit, _options.CacheMax);

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
            ConsoleTable.Write(console, trace);
        }

        if (_options.ReportFile is not null)
        {
            console.WriteLine($"Report: {_options.ReportFile}");
        }
    }
}
