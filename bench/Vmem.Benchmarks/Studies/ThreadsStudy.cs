using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// B5: several threads on one arena without caches. Nothing can make one lock's section run twice at once, so the best that is possible is
/// the throughput of one thread; what is lost below that is lost to waking sleepers and to the lock's cache line going back and forth. The
/// same work behind a <see cref="Lock"/> of the caller's stands beside it.
/// </summary>
internal sealed class ThreadsStudy : IStudy
{
    private const int Segments = 10_000;
    private const double BarRatio = 0.8;

    public string Name => "threads";

    public string Description => "B5: replacements a second with 1, 2 and more threads on one arena.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Threads on one arena (B5)",
            "N = 10^4 live ranges in all, each thread replacing its own share at random; million replacements a second, the arena's own lock (locked) beside a Lock around a single-threaded arena (outer).");
        int[] threadCounts = [.. new[] { 1, 2, Environment.ProcessorCount, 2 * Environment.ProcessorCount }.Distinct().Order()];
        int runs = context.Settings.Runs ?? 5;
        var rows = new List<IReadOnlyList<string>>();
        foreach (Subject subject in Subjects(context.Settings))
        {
            double[] rates = [.. threadCounts.Select(threads =>
                subject.Run(new ThreadsExperiment<UniformTo64>(Segments, threads, runs, context.Settings.Seconds)))];
            for (int i = 0; i < rates.Length; i++)
            {
                report.Record(subject.Key, Segments, FormattableString.Invariant($"{threadCounts[i]} threads"), rates[i], "M replacements/s");
            }
            double ratio = rates[Array.IndexOf(threadCounts, 2)] / rates[0];
            rows.Add([subject.Key, .. rates.Select(rate => Cells.Fixed(rate, 2)), Cells.Fixed(ratio, 2)]);
            context.Progress($"{subject.Key}: {string.Join(" → ", rates.Select(rate => Cells.Fixed(rate, 2)))} M/s");
            if (subject is { Policy: FitPolicy.InstantFit, Locking: Locking.Locked })
            {
                report.Add(new Bar($"{subject.Key}, two threads against one", "0.8×", BarRatio, ratio, "×", AtLeast: true));
            }
        }
        report.Add(new ReportTable($"Million replacements a second, median of {runs}", ["allocator", .. threadCounts.Select(count => $"{count} thr."), "2 : 1"], rows));
        if (Environment.ProcessorCount < 2)
        {
            report.Note("This machine has one processor: the figures say nothing about contention.");
        }
        return report;
    }

    private static IEnumerable<Subject> Subjects(StudySettings settings)
    {
        foreach (FitPolicy policy in settings.Policies)
        {
            foreach (FreeBy by in settings.By)
            {
                yield return new Subject(policy, by, Locking.Locked);
            }
            yield return new Subject(policy, FreeBy.Address, Locking.Outer);
        }
    }
}
