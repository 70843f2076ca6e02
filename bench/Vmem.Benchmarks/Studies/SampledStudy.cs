using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;
using Vmem.Memory;

namespace Vmem.Benchmarks.Studies;

/// <summary>What it costs that one block in a thousand is a sample. Both heaps stay for all turns, as in a server: the first stacks of a
/// heap take milliseconds.</summary>
internal sealed class SampledStudy : IStudy
{
    private const int MixBlocks = 10_000;
    private const double Factor = 1.03;

    public string Name => "sampled";

    public string Description => "HeapDebugging.Sample at 1 in 1,000: NativeHeap beside one without.";

    public StudyReport Run(StudyContext context)
    {
        using NativeHeap plain = new(new NativeHeapOptions { Debugging = HeapDebugging.None });
        using NativeHeap sampled = new(new NativeHeapOptions { Debugging = new HeapDebugging { Sample = 1_000 } });
        BlockSubject[] subjects =
        [
            new BlockSubject<HeapBlocks, NativeBlock>("NativeHeap", () => new HeapBlocks(plain)),
            new BlockSubject<HeapBlocks, NativeBlock>("NativeHeap, Sample = 1,000", () => new HeapBlocks(sampled)),
        ];
        var report = new StudyReport(
            Name,
            "Sampling",
            "NativeHeap beside one of which one block in a thousand is guarded, with stacks. Subjects take turns; medians of the thread's processor time.");
        Measure<LineSize>(context, report, subjects, "pair of 64 bytes", live: 0);
        Measure<SmallBlocks>(context, report, subjects, "mix of 8 to 512 bytes, 10,000 live (A2)", MixBlocks);
        return report;
    }

    private static void Measure<TLaw>(StudyContext context, StudyReport report, BlockSubject[] subjects, string what, int live)
        where TLaw : struct, ISizeLaw
    {
        var experiment = new BlockTimesExperiment<TLaw>(live);
        BlockTimes[][] turns = Rounds.InTurns(subjects, context.Settings.Runs ?? 101, subject => subject.Run(experiment));
        double[] nanoseconds = Rounds.Medians(turns, times => times.Nanoseconds);
        double[] means = [.. turns.Select(turn => turn.Average(times => times.Nanoseconds))];
        context.Progress($"{what}: {string.Join(", ", subjects.Select((subject, i) => $"{subject.Name} {Cells.Fixed(nanoseconds[i], 2)} (mean {Cells.Fixed(means[i], 2)})"))} ns");
        report.Add(new ReportTable(
            $"{what}: ns for an allocation and a free",
            ["allocator", "median", "mean"],
            [.. subjects.Select((subject, i) => (IReadOnlyList<string>)
                [subject.Name, Cells.Fixed(nanoseconds[i], 2), Cells.Fixed(means[i], 2)])]));
        report.Add(new Bar($"{what}, sampled against not", $"{Factor}×", Factor, nanoseconds[1] / nanoseconds[0], "×"));
    }
}
