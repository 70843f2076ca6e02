using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// What quantum caches are for: the pair beside the uncached pair and beside the floor, the worst case of the paper's magazine layer, and
/// the throughput of several threads, to sixteen where there are so many processors.
/// </summary>
internal sealed class CachingStudy : IStudy
{
    private const double PaperRatio = 8;
    private const double FloorRatio = 3;
    private const double TrustRatio = 2;
    private const double UncachedRatio = 4;
    private const double TwoThreadsRatio = 1.9;

    public string Name => "caching";

    public string Description => "Quantum caches: the pair beside its floor, the depot's rate, and 1 to 16 threads.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Quantum caches",
            "Arena<ulong>, quantum 1, caches to 8, ranges of 8. The paper (§5): 482 against 1,560 ns with and without quantum caching, rmalloc 715. Medians of alternating runs.");
        Pair(report, context);
        Depot(report, context);
        Threads(report, context);
        return report;
    }

    private static void Pair(StudyReport report, StudyContext context)
    {
        var experiment = new CachedPairExperiment(context.Settings.Runs ?? 9);
        CachedPairTimes times = experiment.Run();
        report.Record("cached", 0, "pair", times.Cached, "ns");
        report.Record("uncached", 0, "pair", times.Uncached, "ns");
        report.Add(new ReportTable(
            "ns a pair",
            ["what", "ns"],
            [
                ["thread-static stack, looked up once a loop", Cells.Fixed(times.BareHoisted, 2)],
                ["thread-static stack behind an instance, looked up at each call", Cells.Fixed(times.Bare, 2)],
                ["quantum cache: Allocate + Free", Cells.Fixed(times.Cached, 2)],
                ["quantum cache: TryAllocate + Free", Cells.Fixed(times.CachedTry, 2)],
                ["quantum cache: two allocations, two frees, per pair", Cells.Fixed(times.CachedTwo, 2)],
                ["quantum cache, TrustCaller", Cells.Fixed(times.Trusting, 2)],
                ["no cache", Cells.Fixed(times.Uncached, 2)],
            ]));
        context.Progress($"cached {Cells.Fixed(times.Cached, 2)}, trusting {Cells.Fixed(times.Trusting, 2)}, uncached {Cells.Fixed(times.Uncached, 2)}, bare {Cells.Fixed(times.BareHoisted, 2)} and {Cells.Fixed(times.Bare, 2)} ns");
        report.Add(new Bar("cached pair against the uncached one", "1/8", 1 / PaperRatio, times.Cached / times.Uncached, "×"));
        report.Add(new Bar("cached pair, checked against TrustCaller", "2×", TrustRatio, times.Cached / times.Trusting, "×"));
        report.Add(new Bar("uncached pair against the checked cached one", "4×", UncachedRatio, times.Uncached / times.Cached, "×", AtLeast: true));
        report.Add(new Bar("cached pair against the bare stack that is looked up once a loop", "3×", FloorRatio, times.Cached / times.BareHoisted, "×"));
        report.Add(new Bar("cached pair against the bare stack behind an instance", "3×", FloorRatio, times.Cached / times.Bare, "×"));
    }

    private static void Depot(StudyReport report, StudyContext context)
    {
        DepotRate worst = DepotExperiment.Run();
        report.Add(new ReportTable(
            "Two allocations and two frees, over and over, from every fill of the magazines",
            ["magazine, M", "worst touches of the depot per operation", "1/M"],
            [[Cells.Count(worst.Rounds), Cells.Fixed(worst.TouchesPerOperation, 6), Cells.Fixed(1.0 / worst.Rounds, 6)]]));
        context.Progress($"depot: {Cells.Fixed(worst.TouchesPerOperation, 6)} touches per operation at worst");
        report.Add(new Bar("touches of the depot per operation", "1/M", 1.0 / worst.Rounds, worst.TouchesPerOperation, ""));
    }

    private static void Threads(StudyReport report, StudyContext context)
    {
        int[] counts = [.. new[] { 1, 2, 4, 8, 16, Environment.ProcessorCount, 2 * Environment.ProcessorCount }
            .Where(count => count <= Math.Max(2 * Environment.ProcessorCount, 2) && count <= 32).Distinct().Order()];
        int runs = context.Settings.Runs ?? 5;
        var rows = new List<IReadOnlyList<string>>();
        foreach ((bool cached, int liveRanges) in new[] { (true, 1), (true, 1_000), (false, 1), (false, 1_000) })
        {
            double[] rates = [
                .. counts.Select(count => new CachedThreadsExperiment(count, liveRanges, runs, context.Settings.Seconds).Run(cached))
            ];
            string name = $"{(cached ? "cached" : "uncached")}, {Cells.Count(liveRanges)} live a thread";
            for (int i = 0; i < counts.Length; i++)
            {
                report.Record(name, 0, FormattableString.Invariant($"{counts[i]} threads"), rates[i], "M replacements/s");
            }

            rows.Add([name, .. rates.Select(rate => Cells.Fixed(rate, 1)), Cells.Fixed(rates[1] / rates[0], 2)]);
            context.Progress($"{name}: {string.Join(" → ", rates.Select(rate => Cells.Fixed(rate, 1)))} M/s");
            if (cached && liveRanges == 1)
            {
                report.Add(new Bar("cached pair, two threads against one", "1.9×", TwoThreadsRatio, rates[1] / rates[0], "×", AtLeast: true));
            }
        }

        report.Add(new ReportTable($"Million replacements a second, sizes 1 to 8, median of {runs}", ["arena", .. counts.Select(count => $"{count} thr."), "2 : 1"], rows));
        if (Environment.ProcessorCount < 16)
        {
            report.Note($"This machine has {Environment.ProcessorCount} processors. The curve to 16 threads needs 16: run this study there.");
        }
    }
}
