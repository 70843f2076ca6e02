using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>Large blocks of up to 1 MiB, one at a time: what a pair costs, and what many threads do of it together.</summary>
internal sealed class RunsStudy : IStudy
{
    private const double PairBar = 25;
    private const int Threads = 8;

    private static readonly IReadOnlyList<BlockSubject> s_subjects =
        [BlockSubjects.Heap, BlockSubjects.ArrayPool, BlockSubjects.System, .. BlockSubjects.Mallocs];

    public string Name => "runs";

    public string Description => "Large blocks of 40 KB to 1 MiB: NativeHeap beside ArrayPool, NativeMemory and native allocators.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Page runs",
            "Each block is freed at once, and its first word written. One thread is timed by its processor time; eight by the clock on the wall. Subjects take turns; medians.");
        Measure<Bytes40K>(context, report);
        Measure<Bytes100K>(context, report);
        Measure<Bytes256K>(context, report);
        Measure<Bytes1M>(context, report);
        Measure<From40KTo1M>(context, report);
        return report;
    }

    private static void Measure<TLaw>(StudyContext context, StudyReport report)
        where TLaw : struct, ISizeLaw
    {
        int runs = context.Settings.Runs ?? 11;
        var pair = new BlockTimesExperiment<TLaw>(live: 0);
        double[] ns = Rounds.Medians(Rounds.InTurns(s_subjects, runs, subject => subject.Run(pair)), times => times.Nanoseconds);
        var one = new BlockThreadsExperiment<TLaw>(threads: 1, live: 0, 0.1 * context.Settings.Seconds);
        var many = new BlockThreadsExperiment<TLaw>(Threads, live: 0, 0.1 * context.Settings.Seconds);
        double[] alone = Rounds.Medians(Rounds.InTurns(s_subjects, runs, subject => subject.Run(one)), static rate => rate);
        double[] together = Rounds.Medians(Rounds.InTurns(s_subjects, runs, subject => subject.Run(many)), static rate => rate);
        context.Progress($"{TLaw.Name}: {string.Join(", ", s_subjects.Select((subject, i) => $"{subject.Name} {Cells.Fixed(ns[i], 1)} ns, {Cells.Fixed(alone[i], 1)} → {Cells.Fixed(together[i], 1)} M/s"))}");
        report.Add(new ReportTable(
            $"{TLaw.Name}: a block and its free",
            ["allocator", "ns", "M/s, 1 thread", $"M/s, {Threads} threads"],
            [.. s_subjects.Select((subject, i) => (IReadOnlyList<string>)
                [subject.Name, Cells.Fixed(ns[i], 1), Cells.Fixed(alone[i], 1), Cells.Fixed(together[i], 1)])]));
        report.Add(new Bar($"{TLaw.Name}, a pair", $"{PairBar} ns", PairBar, ns[0], "ns"));
        report.Add(new Bar($"{TLaw.Name}, {Threads} threads against one", "1×", 1, together[0] / alone[0], "×", AtLeast: true));
    }

    private readonly struct Bytes40K : ISizeLaw
    {
        public static string Name => "40 KB";

        public static double Mean => 40_000;

        public static ulong Draw(ref Xorshift64 random) => 40_000;
    }

    private readonly struct Bytes100K : ISizeLaw
    {
        public static string Name => "100 KB";

        public static double Mean => 100_000;

        public static ulong Draw(ref Xorshift64 random) => 100_000;
    }

    private readonly struct Bytes256K : ISizeLaw
    {
        public static string Name => "256 KiB";

        public static double Mean => 1 << 18;

        public static ulong Draw(ref Xorshift64 random) => 1 << 18;
    }

    private readonly struct Bytes1M : ISizeLaw
    {
        public static string Name => "1 MiB";

        public static double Mean => 1 << 20;

        public static ulong Draw(ref Xorshift64 random) => 1 << 20;
    }

    private readonly struct From40KTo1M : ISizeLaw
    {
        public static string Name => "40 KB to 1 MiB at random";

        public static double Mean => 544_288;

        public static ulong Draw(ref Xorshift64 random) => 40_000 + (ulong)random.Index((1 << 20) - 40_000);
    }
}
