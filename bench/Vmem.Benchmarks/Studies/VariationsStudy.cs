using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// B2's variations: the same steady state where it hurts (90 % full: the paper's instant fit, with lists by powers of two, fails there
/// while room abounds), where it is easy (IDs: every hole fits), and with a queue's order instead of a random one.
/// </summary>
internal sealed class VariationsStudy : IStudy
{
    private const int Segments = 100_000;
    private const double FullFactor = 2;

    public string Name => "variations";

    public string Description => "B2's variations: 90 % full, IDs of size 1, first in first out.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Variations of the steady state (B2)",
            "As the growth study, N = 10^5: sizes U64 at capacity 65·N (half full) and 36·N (90 % full), IDs (size 1, capacity 2·N). First in first out at N = 10^4: ns for freeing the oldest range and allocating a new one.");
        int runs = context.Settings.Runs ?? 5;
        Dictionary<Subject, SteadyStateTimes> half = Measure<UniformTo64>(context, report, "half full", 65, runs);
        Dictionary<Subject, SteadyStateTimes> full = Measure<UniformTo64>(context, report, "90 % full", 36, runs);
        Measure<UnitSize>(context, report, "IDs", 2, runs);
        MeasureQueue(context, report, runs);
        foreach ((Subject subject, SteadyStateTimes times) in full.Where(pair => !pair.Key.IsBaseline))
        {
            double before = half[subject].Pair;
            report.Add(new Bar($"{subject.Key} 90 % full", FormattableString.Invariant($"{FullFactor} × {before:0} ns (the same half full)"), FullFactor * before, times.Pair, "ns"));
            report.Add(new Bar($"{subject.Key} 90 % full", "0 failures", 0, times.Failures, "failures"));
        }
        return report;
    }

    private static Dictionary<Subject, SteadyStateTimes> Measure<TLaw>(
        StudyContext context,
        StudyReport report,
        string caption,
        ulong capacityPerSegment,
        int runs)
        where TLaw : struct, ISizeLaw
    {
        int segments = Math.Min(Segments, context.Settings.MaxSegments);
        var experiment = new SteadyStateExperiment<TLaw>(new SteadyStatePlan(segments, capacityPerSegment), runs);
        var results = new Dictionary<Subject, SteadyStateTimes>();
        foreach (Subject subject in context.Settings.Arenas().Concat(context.Settings.Baseline(segments)))
        {
            SteadyStateTimes times = subject.Run(experiment);
            results.Add(subject, times);
            SteadyStateRows.Record(report, subject.Key, segments, times, caption + ", ");
            context.Progress($"{caption}: {SteadyStateRows.Describe(subject.Key, segments, times)}");
        }
        var rows = results.Select(pair => SteadyStateRows.Row(pair.Key.Key, pair.Value)).ToList();
        report.Add(new ReportTable($"{caption}: N = {Cells.Power(segments)}, sizes {TLaw.Name}, capacity {capacityPerSegment}·N, ns, median of {runs}", SteadyStateRows.Columns, rows));
        return results;
    }

    private static void MeasureQueue(StudyContext context, StudyReport report, int runs)
    {
        const int Length = 10_000;
        var experiment = new QueueExperiment<UniformTo64>(Length, 65, runs);
        var rows = new List<IReadOnlyList<string>>();
        foreach (Subject subject in context.Settings.Arenas().Concat(context.Settings.Baseline(Length)))
        {
            double pair = subject.Run(experiment);
            report.Record(subject.Key, Length, "first in first out, pair", pair, "ns");
            context.Progress($"first in first out: {subject.Key}: {Cells.Nanoseconds(pair)} ns");
            rows.Add([subject.Key, Cells.Nanoseconds(pair)]);
        }
        report.Add(new ReportTable($"First in first out: N = 10^4, ns, median of {runs}", ["allocator", "pair"], rows));
    }
}
