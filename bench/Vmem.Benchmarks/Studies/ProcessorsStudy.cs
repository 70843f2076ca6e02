using Vmem.Benchmarks.Baselines;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Pools;
using Vmem.Benchmarks.Reports;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// Magazines by thread, as Vmem has them, beside magazines by processor, as the paper has them: what each costs, and how much lies idle in
/// them when there are many more threads than processors.
/// </summary>
internal sealed class ProcessorsStudy : IStudy
{
    private const int Magazine = 15;
    private const double SecondsFactor = 0.3;

    public string Name => "processors";

    public string Description => "Magazines by thread beside magazines by processor: time, and what they hold.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Magazines by thread and by processor",
            $"ns for a rent and a return as a processor sees them, one object at a time and eight at a time, magazines of {Magazine}; the two take turns, the median of all turns counts. Held: objects left in magazines of threads or processors at the end, eight at a time, the most of all turns.");
        int cores = Environment.ProcessorCount;
        int runs = context.Settings.Runs ?? 5;
        var rows = new List<IReadOnlyList<string>>();
        foreach (int threads in new[] { 1, cores, 4 * cores, 16 * cores }.Distinct())
        {
            (double Thread, double Processor) one = Measure(context, threads, 1, runs, out _, out _);
            (double Thread, double Processor) eight =
                Measure(context, threads, PoolSubject.MostHeld, runs, out long heldByThreads, out long heldByProcessors);
            rows.Add([
                Cells.Count(threads), Cells.Nanoseconds(
                    one.Thread), Cells.Nanoseconds(one.Processor), Cells.Nanoseconds(eight.Thread), Cells.Nanoseconds(eight.Processor),
                Cells.Count(heldByThreads), Cells.Count(heldByProcessors)]);
            report.Record("by thread", threads, "one at a time", one.Thread, "ns");
            report.Record("by processor", threads, "one at a time", one.Processor, "ns");
            report.Record("by thread", threads, "eight at a time", eight.Thread, "ns");
            report.Record("by processor", threads, "eight at a time", eight.Processor, "ns");
            report.Record("by thread", threads, "held", heldByThreads, "objects");
            report.Record("by processor", threads, "held", heldByProcessors, "objects");
            context.Progress($"{threads} threads: by thread {Cells.Nanoseconds(one.Thread)} and {Cells.Nanoseconds(eight.Thread)}, by processor {Cells.Nanoseconds(one.Processor)} and {Cells.Nanoseconds(eight.Processor)} ns");
        }

        report.Add(new ReportTable(
            $"ns a pair, median of {runs}",
            ["threads", "by thread, 1", "by processor, 1", "by thread, 8", "by processor, 8", "held by threads", "held by processors"],
            rows));
        return report;
    }

    private static (double Thread, double Processor) Measure(
        StudyContext context,
        int threads,
        int held,
        int runs,
        out long heldByThreads,
        out long heldByProcessors)
    {
        double seconds = SecondsFactor * context.Settings.Seconds;
        Func<double, Turn>[] subjects = [time => ByThread(threads, held, time), time => ByProcessor(threads, held, time)];
        Turn[][] turns = Rounds.InTurns(subjects, runs, one => one(seconds), one => one(Math.Max(seconds, PoolSubject.WarmUpSeconds)));
        heldByThreads = turns[0].Max(turn => turn.Held);
        heldByProcessors = turns[1].Max(turn => turn.Held);
        double[] medians = Rounds.Medians(turns, turn => turn.Nanoseconds);
        return (medians[0], medians[1]);
    }

    private static Turn ByThread(int threads, int held, double seconds)
    {
        using ObjectCache<Pooled> cache = new(
            "bench",
            () => new Pooled(),
            options: new ObjectCacheOptions { LeastRounds = Magazine, MostRounds = Magazine });
        PoolTimes times = new PoolSubject<ThreadedPool, Pooled>("by thread", () => new(cache)).Measure(threads, held, seconds);
        ObjectCacheStatistics statistics = cache.GetStatistics();
        return new Turn(times.Nanoseconds, statistics.Cached - ((long)statistics.FullMagazines * Magazine));
    }

    private static Turn ByProcessor(int threads, int held, double seconds)
    {
        var magazines = new ProcessorMagazines<Slot>(Magazine);
        PoolTimes times = new PoolSubject<ProcessorPool, Pooled>("by processor", () => new(magazines)).Measure(threads, held, seconds);
        return new Turn(times.Nanoseconds, magazines.HeldByProcessors);
    }

    private readonly record struct Turn(double Nanoseconds, long Held);
}
