using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// B7: how full can an arena get before a request fails although enough is free in total? The occupancy is ramped up a percent at a time,
/// with long churn at each; the occupancy at the first failure is what a policy's placement is worth.
/// </summary>
internal sealed class FragmentationStudy : IStudy
{
    // The baseline walks thousands of free segments at every step and would take minutes: one seed and a tenth of the churn (which flatters
    // it) say enough.
    private const int BaselineShare = 10;
    private const int Seeds = 5;

    public string Name => "fragmentation";

    public string Description => "B7: the occupancy at which the first request fails.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Fragmentation ramp (B7)",
            "Capacity 2^20. Target occupancy 50, 51, … %: fill to it, then 200,000 steps unless the table says otherwise (free random ranges until a new size fits under the target, allocate it). Occupancy at the first failure, median of the seeds 42, 43, ….");
        Measure<UniformTo64>(context, report, 0.989);
        Measure<PowerLaw>(context, report, 0.88);
        return report;
    }

    private static void Measure<TLaw>(StudyContext context, StudyReport report, double bar)
        where TLaw : struct, ISizeLaw
    {
        int steps = context.Settings.RampSteps;
        int runs = context.Settings.Runs ?? Seeds;
        var rows = new List<IReadOnlyList<string>>();
        foreach (Subject subject in context.Settings.PlainArenas().Concat(context.Settings.Baseline(1)))
        {
            int count = subject.IsBaseline ? 1 : runs;
            int ownSteps = subject.IsBaseline ? Math.Max(1, steps / BaselineShare) : steps;
            double[] occupancies = [.. Enumerable.Range(0, count)
                .Select(i => subject.Run(new RampExperiment<TLaw>(Xorshift64.DefaultSeed + (ulong)i, ownSteps)).Requested)];
            double median = Rounds.Median(occupancies);
            report.Record(subject.Key, 0, $"occupancy at first failure, {TLaw.Name}", median, "of the capacity");
            rows.Add([
                subject.Key,
                Cells.Percent(median),
                Cells.Percent(occupancies.Min()),
                Cells.Percent(occupancies.Max()),
                Cells.Count(count),
                Cells.Count(ownSteps)
            ]);
            context.Progress($"{subject.Key} law {TLaw.Name}: {Cells.Percent(median)}");
            if (subject.Policy is FitPolicy.InstantFit or FitPolicy.BestFit)
            {
                string promise = FormattableString.Invariant($"{100 * bar:0.##} %");
                report.Add(new Bar($"{subject.Key}, law {TLaw.Name}", promise, 100 * bar, 100 * median, "%", AtLeast: true));
            }
        }
        report.Add(new ReportTable($"Sizes {TLaw.Name}: occupancy at the first failure", ["allocator", "median", "least", "most", "seeds", "steps"], rows));
    }
}
