using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Peers;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>A3: one thread allocates, another frees.</summary>
internal static class HeapHandover
{
    private const double MimallocFactor = 1.3;

    // About two seconds' work, all turns of the fastest together.
    private const int BatchesPerSecond = 10_000;

    public static void Measure(StudyContext context, StudyReport report)
    {
        int runs = context.Settings.Runs ?? 9;
        IReadOnlyList<BlockSubject> subjects = HeapStudy.Subjects;
        var experiment = new BlockHandoverExperiment((int)Math.Max(1_000, BatchesPerSecond * context.Settings.Seconds));
        BlockTimes[][] turns = Rounds.InTurns(subjects, runs, subject => subject.Run(experiment));
        double[] times = Rounds.Medians(turns, one => one.Nanoseconds);
        double[] bytes = Rounds.Medians(turns, one => one.ManagedBytes);
        for (int i = 0; i < subjects.Count; i++)
        {
            report.Record(subjects[i].Name, 0, "A3", times[i], "ns");
        }

        context.Progress($"A3: {string.Join(", ", subjects.Select((subject, i) => $"{subject.Name} {Cells.Nanoseconds(times[i])}"))} ns");
        report.Add(new ReportTable(
            $"A3, batches of {BlockRing<NativeBlock>.BlockLength} × 64 bytes through a ring of {BlockRing<NativeBlock>.Blocks} batches: ns elapsed for a block, median of {runs}",
            ["allocator", "ns", "least–most", "× NativeHeap", "managed bytes"],
            [.. subjects.Select((subject, i) => (IReadOnlyList<string>)
                [
                    subject.Name, Cells.Nanoseconds(times[i]),
                    $"{Cells.Nanoseconds(turns[i].Min(turn => turn.Nanoseconds))}–{Cells.Nanoseconds(turns[i].Max(turn => turn.Nanoseconds))}",
                    Cells.Fixed(times[i] / times[0], 2), Cells.Fixed(bytes[i], 1)
                ])]));
        foreach (PeerLibrary rival in new[] { PeerLibraries.System, PeerLibraries.Jemalloc, PeerLibraries.Tcmalloc }
            .Where(library => HeapStudy.IndexOf(library.Name) >= 0))
        {
            report.Add(new Bar($"A3, {rival.Name} against NativeHeap", "1×", 1, times[HeapStudy.IndexOf(rival.Name)] / times[0], "×", AtLeast: true));
        }

        if (HeapStudy.IndexOf(PeerLibraries.Mimalloc.Name) is >= 0 and int mimalloc)
        {
            report.Add(new Bar("A3, NativeHeap against mimalloc", $"{MimallocFactor}×", MimallocFactor, times[0] / times[mimalloc], "×"));
        }

        report.Add(new Bar("A3, managed memory of NativeHeap", "0", 0, Math.Round(bytes[0], 3), "bytes"));
    }
}
