using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// What quantum caches cost where something has to wait or fails: a pool that more workers want than it has slots, a request that stands
/// while others allocate and free, a pool that is full, and the figures beside busy threads.
/// </summary>
internal sealed class WaitingStudy : IStudy
{
    private const double StandingRatio = 1.5;
    private const double FailingRatio = 0.5;
    private const double StatisticsMillisecond = 1;
    private const int BusyThreads = 64;

    private static readonly (int Workers, int Slots)[] s_pools = [(8, 4), (64, 16), (256, 250)];

    public string Name => "waiting";

    public string Description => "Quantum caches while requests wait or fail, beside SemaphoreSlim with a ConcurrentQueue.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Waiting and failing",
            "Arena<ulong>, quantum 1. The subjects take turns, the median of all turns counts.");
        int runs = context.Settings.Runs ?? 5;
        Slots(report, context, runs);
        Standing(report, context, runs);
        Failing(report, context, runs);
        Siblings(report, context);
        Statistics(report, context);
        return report;
    }

    private static void Slots(StudyReport report, StudyContext context, int runs)
    {
        var rows = new List<IReadOnlyList<string>>();
        foreach ((int workers, int slots) in s_pools)
        {
            SlotSubject[] subjects = [new ArenaSlots(slots, cacheMax: 1), new ArenaSlots(slots, cacheMax: 0), new SemaphoreSlots(slots)];
            double[] rates = Rounds.Medians(
                Rounds.InTurns(subjects, runs, one => one.Run(workers, context.Settings.Seconds * 0.2)),
                static rate => rate);
            Array.ForEach(subjects, static one => one.Dispose());
            string name = FormattableString.Invariant($"{workers} workers, {slots} slots");
            report.Record(name, 0, "cached", rates[0], "k/s");
            rows.Add([name, .. rates.Select(static rate => Cells.Fixed(rate, 0)), Cells.Fixed(rates[0] / rates[2], 2)]);
            context.Progress($"{name}: {string.Join(", ", rates.Select(static rate => Cells.Fixed(rate, 0)))} k/s");
            report.Add(new Bar($"cached slots against SemaphoreSlim, {name}", "1×", 1, rates[0] / rates[2], "×", AtLeast: true));
        }

        report.Add(new ReportTable(
            $"Thousand slots a second, taken with a wait, held for a yield, and freed; median of {runs}",
            ["pool", "cached", "uncached", "SemaphoreSlim + ConcurrentQueue", "cached : semaphore"],
            rows));
    }

    private static void Standing(StudyReport report, StudyContext context, int runs)
    {
        (double alone, double beside) = StandingExperiment.Run(runs);
        report.Add(new ReportTable(
            "ns a cached pair",
            ["nobody waits", "a large request stands"],
            [[Cells.Fixed(alone, 2), Cells.Fixed(beside, 2)]]));
        context.Progress($"standing: {Cells.Fixed(alone, 2)} and {Cells.Fixed(beside, 2)} ns a pair");
        report.Add(new Bar("cached pair beside a request that stands, against one alone", "1.5×", StandingRatio, beside / alone, "×"));
    }

    private static void Failing(StudyReport report, StudyContext context, int runs)
    {
        var rows = new List<IReadOnlyList<string>>();
        foreach (int threads in (int[])[1, 2])
        {
            double[] rates = FailingExperiment.Run(threads, runs, context.Settings.Seconds * 0.2);
            rows.Add([Cells.Count(threads), Cells.Fixed(rates[0], 2), Cells.Fixed(rates[1], 2)]);
            context.Progress($"failing, {threads} threads: {Cells.Fixed(rates[0], 2)} cached, {Cells.Fixed(rates[1], 2)} M/s uncached");
            report.Add(new Bar($"failing requests of a full cached pool against an uncached, {threads} threads", "0.5×", FailingRatio,
                rates[0] / rates[1], "×", AtLeast: true));
        }

        report.Add(new ReportTable("Million failing requests a second", ["threads", "cached", "uncached"], rows));
    }

    private static void Siblings(StudyReport report, StudyContext context)
    {
        var rows = new List<IReadOnlyList<string>>();
        foreach (int siblings in (int[])[1, 10, 1_000])
        {
            double[] times =
            [
                SiblingsExperiment.Run(siblings, cacheMax: 0, keeps: false), SiblingsExperiment.Run(siblings, cacheMax: 8, keeps: false),
                SiblingsExperiment.Run(siblings, cacheMax: 0, keeps: true), SiblingsExperiment.Run(siblings, cacheMax: 8, keeps: true),
            ];
            rows.Add([Cells.Count(siblings), .. times.Select(static time => Cells.Fixed(time, 1))]);
            context.Progress($"{siblings} siblings: {string.Join(", ", times.Select(static time => Cells.Fixed(time, 1)))} µs");
        }

        report.Add(new ReportTable(
            "µs a request that fails beside idle arenas above the same source",
            ["arenas", "they keep nothing", "with caches", "each keeps an import", "with caches"],
            rows));
    }

    private static void Statistics(StudyReport report, StudyContext context)
    {
        (double median, double p99, double most) = StatisticsExperiment.Run(BusyThreads, context.Settings.Seconds);
        report.Add(new ReportTable(
            $"GetStatistics beside {BusyThreads} busy threads, µs",
            ["median", "99 %", "most"],
            [[Cells.Fixed(median, 1), Cells.Fixed(p99, 1), Cells.Fixed(most, 0)]]));
        context.Progress($"statistics: {Cells.Fixed(median, 1)}, {Cells.Fixed(p99, 1)}, {Cells.Fixed(most, 0)} µs");
        report.Add(new Bar($"GetStatistics beside {BusyThreads} busy threads, 99 %", "1 ms", StatisticsMillisecond, p99 / 1_000, "ms"));
    }
}
