using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Peers;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>What it costs that wrong frees are found: a heap, beside one that trusts its caller and beside native allocators.</summary>
internal sealed class CheckedStudy : IStudy
{
    private const int MixBlocks = 10_000;
    private const double PairFactor = 1.4;
    private const double MixFactor = 1.25;

    private static readonly IReadOnlyList<BlockSubject> s_subjects =
        [BlockSubjects.Heap, BlockSubjects.TrustingHeap, BlockSubjects.System, .. BlockSubjects.Mallocs];

    public string Name => "checked";

    public string Description => "Checked frees: NativeHeap beside TrustCaller, NativeMemory and native allocators.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Checked frees",
            "NativeHeap, which finds double, interior, foreign and wrong-size frees, beside the same with TrustCaller, NativeMemory, and the mallocs of this machine, called by function pointer. Subjects take turns; medians of the thread's processor time.");
        Measure<LineSize>(context, report, "pair of 64 bytes", live: 0, PairFactor);
        Measure<SmallBlocks>(context, report, "mix of 8 to 512 bytes, 10,000 live", MixBlocks, MixFactor);
        Scatter(context, report);
        return report;
    }

    private static void Measure<TLaw>(StudyContext context, StudyReport report, string what, int live, double factor)
        where TLaw : struct, ISizeLaw
    {
        var experiment = new BlockTimesExperiment<TLaw>(live);
        BlockTimes[][] turns = Rounds.InTurns(s_subjects, context.Settings.Runs ?? 21, subject => subject.Run(experiment));
        Report(context, report, what, Rounds.Medians(turns, times => times.Nanoseconds), factor);
    }

    private static void Scatter(StudyContext context, StudyReport report)
    {
        ScatterCosts[][] turns = Rounds.InTurns(s_subjects, context.Settings.Runs ?? 5, ScatterProbe.Start, _ => { });
        Report(context, report, "a million of 64 bytes for the first time, freed in random order (A4)",
            Rounds.Medians(turns, costs => costs.Nanoseconds), MixFactor);
        double[] resident = Rounds.Medians(turns, costs => costs.ResidentBytes);
        context.Progress($"A4 resident bytes: {string.Join(", ", s_subjects.Select((subject, i) => $"{subject.Name} {Cells.Fixed(resident[i], 1)}"))}");
    }

    private static void Report(StudyContext context, StudyReport report, string what, double[] nanoseconds, double factor)
    {
        context.Progress($"{what}: {string.Join(", ", s_subjects.Select((subject, i) => $"{subject.Name} {Cells.Fixed(nanoseconds[i], 2)}"))} ns");
        report.Add(new ReportTable(
            $"{what}: ns for an allocation and a free",
            ["allocator", "ns", "× NativeHeap"],
            [.. s_subjects.Select((subject, i) => (IReadOnlyList<string>)
                [subject.Name, Cells.Fixed(nanoseconds[i], 2), Cells.Fixed(nanoseconds[i] / nanoseconds[0], 2)])]));
        report.Add(new Bar($"{what}, checked against TrustCaller", $"{factor}×", factor, nanoseconds[0] / nanoseconds[1], "×"));
        foreach (string rival in new[] { BlockSubjects.System.Name, PeerLibraries.Mimalloc.Name })
        {
            int index = s_subjects.ToList().FindIndex(subject => subject.Name == rival);
            if (index >= 0)
            {
                report.Add(new Bar($"{what}, {rival} against checked", "1×", 1, nanoseconds[index] / nanoseconds[0], "×", AtLeast: true));
            }
        }
    }
}
