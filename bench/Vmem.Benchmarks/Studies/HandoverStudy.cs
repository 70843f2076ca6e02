using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Pools;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// A producer rents, a consumer returns: every object crosses from one thread to the other and back through the pool, which is where pools
/// with something for each thread pile up or run dry.
/// </summary>
internal sealed class HandoverStudy : IStudy
{
    private const int LargestMagazine = 143;
    private const double BarRatio = 2;

    // About a second's work for the fastest.
    private const int BlocksPerSecond = 100_000;

    public string Name => "handover";

    public string Description => "One thread rents, another returns: ObjectCache beside ConcurrentQueue, ConcurrentBag and DefaultObjectPool.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "From producer to consumer",
            $"Blocks of {BlockRing<Pooled>.BlockLength} objects through a ring of {BlockRing<Pooled>.Blocks} blocks. ns elapsed for an object; the pools take turns, the median of all turns counts. Constructed: the most in any turn, warm-up included. Bytes: managed memory for an object.");
        static Pooled Make() => new();
        HandoverSubject[] subjects =
        [
            new HandoverSubject<CachePool>("ObjectCache", () => new(Make)),
            new HandoverSubject<CachePool>("ObjectCache, magazines of 143", () => new(Make, LargestMagazine)),
            new HandoverSubject<QueuePool>("ConcurrentQueue", () => new(Make)),
            new HandoverSubject<BagPool>("ConcurrentBag", () => new(Make)),
            new HandoverSubject<MicrosoftPool>("DefaultObjectPool", () => new(Make)),
            new HandoverSubject<MicrosoftPool>("DefaultObjectPool, 4,096", () => new(Make, 4_096)),
            new HandoverSubject<NewObjects>("new", () => default),
            new HandoverSubject<NoPool>("the ring alone", () => new(new Pooled())),
        ];
        int runs = context.Settings.Runs ?? 7;
        int blocks = (int)Math.Max(1_000, BlocksPerSecond * context.Settings.Seconds * 0.2);
        HandoverTimes[][] turns = Rounds.InTurns(subjects, runs, subject => subject.Measure(blocks), subject => subject.Measure(blocks));
        var rows = new List<IReadOnlyList<string>>();
        for (int i = 0; i < subjects.Length; i++)
        {
            double time = Rounds.Median(turns[i], turn => turn.Nanoseconds);
            long constructed = turns[i].Max(turn => turn.Constructed);
            report.Record(subjects[i].Name, 0, "an object", time, "ns");
            report.Record(subjects[i].Name, 0, "constructed", constructed, "objects");
            rows.Add([
                subjects[i].Name,
                Cells.Nanoseconds(time),
                $"{Cells.Nanoseconds(turns[i].Min(turn => turn.Nanoseconds))}–{Cells.Nanoseconds(turns[i].Max(turn => turn.Nanoseconds))}",
                constructed == 0 ? Cells.Nothing : Cells.Count(constructed),
                Cells.Fixed(Rounds.Median(turns[i], turn => turn.Bytes), 1)]);
            context.Progress($"{subjects[i].Name}: {Cells.Nanoseconds(time)} ns, {Cells.Count(constructed)} constructed");
        }

        report.Add(new ReportTable($"ns an object, median of {runs}", ["pool", "ns", "least–most", "constructed", "bytes"], rows));
        AddBars(report, turns);
        return report;
    }

    private static void AddBars(StudyReport report, HandoverTimes[][] turns)
    {
        const int Queue = 2;
        const int InRing = (BlockRing<Pooled>.Blocks + 1) * BlockRing<Pooled>.BlockLength;
        for (int i = 0; i < Queue; i++)
        {
            string name = i == 0 ? "ObjectCache" : "ObjectCache with magazines of 143";
            double ratio = Rounds.Median(turns[Queue], turn => turn.Nanoseconds) / Rounds.Median(turns[i], turn => turn.Nanoseconds);
            report.Add(new Bar($"ConcurrentQueue against {name}", "2×", BarRatio, ratio, "×", AtLeast: true));
            report.Add(new Bar(
                $"objects that {name} constructs",
                "9 blocks and two magazines of 143 for each of two threads",
                InRing + (4 * LargestMagazine),
                turns[i].Max(turn => turn.Constructed),
                "objects"));
            report.Add(new Bar($"{name}: managed bytes an object", "0", 0, Math.Round(Rounds.Median(turns[i], turn => turn.Bytes), 2), "bytes"));
        }
    }
}
