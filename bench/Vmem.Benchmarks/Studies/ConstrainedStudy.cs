using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// B4: alignment and address windows on an arena in its steady state. Peers that filter what their unconstrained search finds, walk; a tree
/// over the free segments that knows the largest segment below every node finds the place in O(log n).
/// </summary>
internal sealed class ConstrainedStudy : IStudy
{
    public string Name => "constrained";

    public string Description => "B4: allocate with an alignment, a window, and both, on a churned arena.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Constrained allocation (B4)",
            "The steady state of B2, then 50,000 constrained allocations of sizes U64 in timed batches of 100, freed outside the timing: align 64; window [C/4, 3C/4); both. 'First' is the very first constrained call, which may build the address index (µs).");
        foreach (int segments in context.Settings.Sizes(10_000, 1_000_000))
        {
            MeasureSize(context, report, segments);
        }
        return report;
    }

    private static void MeasureSize(StudyContext context, StudyReport report, int segments)
    {
        int runs = context.Settings.Runs ?? 3;
        var experiment = new ConstrainedExperiment<UniformTo64>(new SteadyStatePlan(segments, 65), runs);
        var rows = new List<IReadOnlyList<string>>();
        foreach (Subject subject in context.Settings.PlainArenas().Concat(context.Settings.Baseline(segments)))
        {
            ConstrainedTimes times = subject.Run(experiment);
            rows.Add([
                subject.Key, Cells.Nanoseconds(times.Align), Cells.Nanoseconds(times.Window), Cells.Nanoseconds(times.Both),
                Cells.Fixed(times.First / 1_000, 1), Cells.Count(times.Failures)]);
            context.Progress($"{subject.Key} N={Cells.Power(segments)}: align {Cells.Nanoseconds(times.Align)}, window {Cells.Nanoseconds(times.Window)}, both {Cells.Nanoseconds(times.Both)} ns");
            (string Name, double Value)[] metrics = [("align 64", times.Align), ("window", times.Window), ("both", times.Both)];
            foreach ((string metric, double value) in metrics)
            {
                report.Record(subject.Key, segments, metric, value, "ns");
            }
            report.Record(subject.Key, segments, "first call", times.First, "ns");
        }
        report.Add(new ReportTable($"N = {Cells.Power(segments)}, ns to allocate, median of {runs}", ["allocator", "align 64", "window", "both", "first, µs", "failures"], rows));
    }
}
