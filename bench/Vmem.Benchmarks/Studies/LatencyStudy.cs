using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;

namespace Vmem.Benchmarks.Studies;

/// <summary>How long single operations take while 1, 2, 8 and 64 threads work on one arena: the usual ones, the worst ones, and those that
/// look at the whole.</summary>
internal sealed class LatencyStudy : IStudy
{
    private const int Segments = 1_000_000;       // for the worst cases
    private const int ReplacementsPerKind = 300_000;

    private static readonly int[] s_threads = [1, 2, 8, 64];

    public string Name => "latency";

    public string Description => "p50, p99, p99.9 and the longest of pairs, failing requests and statistics, with 1 to 64 threads.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Latencies",
            "Each thread allocates and frees ranges of 1 to 8 units. One operation in 64 asks for what does not fit, one in 4,096 for statistics. Each operation is timed by itself, in µs, by the wall clock: with more threads than processors the longest contain whole time slices of others. 'clock' is a timing of nothing. 'plain' and 'cached' are arenas without and with quantum caches, 'Lock' a System.Threading.Lock around a single-threaded arena.");
        double seconds = context.Settings.Seconds;
        var rows = new Dictionary<string, List<IReadOnlyList<string>>>();
        WarmUp<PlainTarget>();
        WarmUp<CachedTarget>();
        WarmUp<OuterLockTarget>();
        foreach (int threads in s_threads)
        {
            Measure<PlainTarget>("plain", threads);
            Measure<CachedTarget>("cached", threads);
            Measure<OuterLockTarget>("Lock", threads);
        }

        foreach ((string operation, List<IReadOnlyList<string>> table) in rows)
        {
            report.Add(new ReportTable($"{operation}, µs", ["threads", "arena", "p50", "p99", "p99.9", "longest", "operations"], table));
        }

        AddWorstCases(context, report);
        return report;

        static void WarmUp<TTarget>()
            where TTarget : struct, ILatencyTarget<TTarget> => _ = LatencyExperiment.Run<TTarget>(threads: 1, seconds: 0.3);

        void Measure<TTarget>(string arena, int threads)
            where TTarget : struct, ILatencyTarget<TTarget>
        {
            LatencyTimes times = LatencyExperiment.Run<TTarget>(threads, seconds);
            Add("pairs", times.Pairs);
            Add("failing requests", times.Failures);
            Add("statistics", times.Statistics);
            Add("clock", times.Clock);
            context.Progress($"{arena}, {threads} threads: p99 of pairs {Cells.Fixed(times.Pairs.Permille(990) / 1_000, 2)} µs");

            void Add(string operation, Latencies latencies)
            {
                (string Name, double Nanoseconds)[] figures =
                [
                    ("p50", latencies.Permille(500)), ("p99", latencies.Permille(990)), ("p99.9", latencies.Permille(999)),
                    ("longest", latencies.Longest),
                ];
                if (!rows.TryGetValue(operation, out List<IReadOnlyList<string>>? table))
                {
                    rows.Add(operation, table = []);
                }

                table.Add([$"{threads}", arena, .. figures.Select(figure => Cells.Fixed(figure.Nanoseconds / 1_000, 2)),
                    Cells.Count(latencies.Count)]);
                foreach ((string name, double nanoseconds) in figures)
                {
                    report.Record(arena, threads, $"{operation}, {name}", nanoseconds, "ns");
                }
            }
        }
    }

    private static void AddWorstCases(StudyContext context, StudyReport report)
    {
        int ranges = Math.Min(Segments, context.Settings.MaxSegments);
        context.Progress($"worst cases among {Cells.Power(ranges)} ranges");
        var table = new List<IReadOnlyList<string>>();
        foreach (WorstCase worst in WorstCases.Measure(ranges, ReplacementsPerKind))
        {
            (string Name, double Nanoseconds)[] figures =
            [
                ("first", worst.First), ("p50", worst.Times.Permille(500)), ("p99.9", worst.Times.Permille(999)), ("longest", worst.Times.Longest),
                ("replacements, p50", worst.Replacements.Permille(500)), ("replacements, p99.9", worst.Replacements.Permille(999)),
                ("replacements, longest", worst.Replacements.Longest),
            ];
            table.Add([worst.Operation, .. figures.Select(figure => Cells.Fixed(figure.Nanoseconds / 1_000, 2))]);
            foreach ((string name, double nanoseconds) in figures)
            {
                report.Record("plain", ranges, $"{worst.Operation}, {name}", nanoseconds, "ns");
            }
        }

        report.Add(new ReportTable(
            $"Worst cases among {Cells.Power(ranges)} live ranges, one thread, µs",
            ["operation", "first", "p50", "p99.9", "longest", "replacements: p50", "p99.9", "longest"],
            table));
    }
}
