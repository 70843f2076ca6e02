using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// B2: does the time of an operation grow with the number of live segments? Instant fit is constant in steps at any size, the others
/// logarithmic; what grows besides is cache misses, the same for any layout of as many bytes. That is why the study goes well past the
/// caches. Native peers stand beside it in <see cref="PeersStudy"/>.
/// </summary>
internal sealed class GrowthStudy : IStudy
{
    private const int Million = 1_000_000;
    private const double PolicyFactor = 6;

    public string Name => "growth";

    public string Description => "B2: time per operation in the steady state, from 10^3 to 10^7 live segments.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Growth: the steady state (B2)",
            "Capacity 65·N, sizes U64, about half free. Fill N, replace at random max(N, 200,000) times (the mix: ns for a free and an allocation, generator and ticket array included), then 1 M operations in timed batches of 100 frees and 100 allocations.");
        foreach (int segments in context.Settings.Sizes(1_000, 10_000_000))
        {
            MeasureSize(context, report, segments);
        }
        return report;
    }

    private static void MeasureSize(StudyContext context, StudyReport report, int segments)
    {
        int runs = context.Settings.Runs ?? (segments >= 10_000_000 ? 3 : 5);
        var experiment = new SteadyStateExperiment<UniformTo64>(new SteadyStatePlan(segments, 65), runs);
        var results = new Dictionary<Subject, SteadyStateTimes>();
        foreach (Subject subject in context.Settings.Arenas().Concat(context.Settings.Baseline(segments)))
        {
            SteadyStateTimes times = subject.Run(experiment);
            results.Add(subject, times);
            SteadyStateRows.Record(report, subject.Key, segments, times);
            context.Progress(SteadyStateRows.Describe(subject.Key, segments, times));
        }
        var rows = results.Select(pair => SteadyStateRows.Row(pair.Key.Key, pair.Value)).ToList();
        report.Add(new ReportTable($"N = {Cells.Power(segments)}, ns, median of {runs}", SteadyStateRows.Columns, rows));
        foreach ((Subject subject, SteadyStateTimes times) in results)
        {
            AddBars(report, segments, subject, times, results);
        }
    }

    private static void AddBars(
        StudyReport report,
        int segments,
        Subject subject,
        SteadyStateTimes times,
        Dictionary<Subject, SteadyStateTimes> all)
    {
        string what = $"{subject.Key} at {Cells.Power(segments)}";
        if (segments == Million && subject.Policy is not (null or FitPolicy.InstantFit)
            && all.TryGetValue(subject with { Policy = FitPolicy.InstantFit }, out SteadyStateTimes instant))
        {
            report.Add(new Bar(what, FormattableString.Invariant($"{PolicyFactor} × instant fit's {instant.Pair:0} ns"), PolicyFactor * instant.Pair, times.Pair, "ns"));
        }
    }
}
