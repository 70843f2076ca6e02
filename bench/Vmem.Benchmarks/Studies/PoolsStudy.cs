using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Pools;
using Vmem.Benchmarks.Reports;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// The object cache beside the pools that .NET programs use, and beside no pool at all. Each thread rents and returns one object at a time,
/// and eight at a time: many pools keep one object aside for exactly the first of the two.
/// </summary>
internal sealed class PoolsStudy : IStudy
{
    private const double SecondsFactor = 0.2;

    public string Name => "pools";

    public string Description => "ObjectCache beside ConcurrentBag, ConcurrentQueue, Microsoft.Extensions.ObjectPool, ArrayPool and new.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Object pools",
            "ns for a rent and a return as a processor sees them (elapsed × processors at work ÷ pairs), one object at a time and eight at a time; the pools take turns, the median of all turns counts. Bytes: managed memory for each pair.");
        Measure(context, report, "objects of 64 bytes", Objects());
        Measure(context, report, "byte[64]", Arrays(64));
        Measure(context, report, "byte[4096]", Arrays(4_096));
        return report;
    }

    private static PoolSubject[] Objects()
    {
        static Pooled Make() => new();
        return
        [
            new PoolSubject<CachePool, Pooled>("ObjectCache", () => new(Make)),
            new PoolSubject<AdapterPool, Pooled>("ObjectCachePool", () => new(Make)),
            new PoolSubject<BagPool, Pooled>("ConcurrentBag", () => new(Make)),
            new PoolSubject<QueuePool, Pooled>("ConcurrentQueue", () => new(Make)),
            new PoolSubject<MicrosoftPool, Pooled>("DefaultObjectPool", () => new(Make)),
            new PoolSubject<MicrosoftPool, Pooled>("DefaultObjectPool, 1,024", () => new(Make, 1_024)),
            new PoolSubject<NewObjects, Pooled>("new", () => default),
        ];
    }

    private static PoolSubject[] Arrays(int length) =>
    [
        new PoolSubject<CacheArrays, byte[]>("ObjectCache", () => new(length)),
        new PoolSubject<SharedArrays, byte[]>("ArrayPool.Shared", () => new(length)),
        new PoolSubject<NewArrays, byte[]>("new", () => new(length)),
    ];

    private static void Measure(StudyContext context, StudyReport report, string what, PoolSubject[] subjects)
    {
        int[] threadCounts = [.. new[] { 1, 2, 2 * Environment.ProcessorCount }.Distinct()];
        (int Threads, int Held)[] cases = [.. threadCounts.SelectMany(threads => new[] { (threads, 1), (threads, PoolSubject.MostHeld) })];
        int runs = context.Settings.Runs ?? 5;
        var times = new PoolTimes[subjects.Length, cases.Length][];
        for (int i = 0; i < cases.Length; i++)
        {
            (int threads, int held) = cases[i];
            double seconds = SecondsFactor * context.Settings.Seconds;
            PoolTimes[][] turns = Rounds.InTurns(
                subjects,
                runs,
                subject => subject.Measure(threads, held, seconds),
                subject => subject.Measure(threads, held, Math.Max(seconds, PoolSubject.WarmUpSeconds)));
            for (int k = 0; k < subjects.Length; k++)
            {
                times[k, i] = turns[k];
                report.Record($"{subjects[k].Name}, {what}", 0, FormattableString.Invariant($"{threads} threads, {held} at a time"), Rounds.Median(turns[k], turn => turn.Nanoseconds), "ns");
            }

            context.Progress($"{what}, {threads} threads, {held} at a time: {string.Join(", ", subjects.Select((subject, k) => $"{subject.Name} {Cells.Nanoseconds(Rounds.Median(turns[k], turn => turn.Nanoseconds))}"))} ns");
            AddBars(report, what, subjects, threads, held, turns);
        }

        report.Add(new ReportTable(
            $"{what}: ns a pair, median of {runs}",
            ["pool", .. cases.Select(one => $"{one.Threads} thr., {one.Held}"), "bytes"],
            [.. subjects.Select((subject, k) => (IReadOnlyList<string>)
                [
                    subject.Name,
                    .. cases.Select((_, i) => Cells.Nanoseconds(Rounds.Median(times[k, i], turn => turn.Nanoseconds))),
                    Cells.Fixed(Enumerable.Range(0, cases.Length).Max(i => Rounds.Median(times[k, i], turn => turn.Bytes)), 1),
                ])]));
    }

    /// <summary>With one and two threads the cache must be faster than each of the others: ratios of medians of the same turns.</summary>
    private static void AddBars(StudyReport report, string what, PoolSubject[] subjects, int threads, int held, PoolTimes[][] turns)
    {
        for (int k = 1; k < subjects.Length; k++)
        {
            if (threads <= 2 && subjects[k].Name is not ("new" or "ObjectCachePool"))
            {
                double ratio = Rounds.Median(turns[k], turn => turn.Nanoseconds) / Rounds.Median(turns[0], turn => turn.Nanoseconds);
                report.Add(new Bar($"{what}, {threads} threads, {held} at a time: {subjects[k].Name} against ObjectCache", "1×", 1, ratio, "×", AtLeast: true));
            }
        }

        if (threads <= 2)
        {
            report.Add(new Bar($"{what}, {threads} threads, {held} at a time: ObjectCache's managed bytes a pair", "0", 0, Math.Round(Rounds.Median(turns[0], turn => turn.Bytes), 3), "bytes"));
        }
    }
}
