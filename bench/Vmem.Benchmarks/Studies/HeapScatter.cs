using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Peers;
using Vmem.Benchmarks.Reports;

namespace Vmem.Benchmarks.Studies;

/// <summary>A4: a million blocks for the first time, freed in random order; and how much memory they take. Each turn is a process of its
/// own.</summary>
internal static class HeapScatter
{
    private const double MimallocFactor = 1.3;
    private const double ResidentBar = 66;

    public static void Measure(StudyContext context, StudyReport report)
    {
        int runs = context.Settings.Runs ?? 5;
        IReadOnlyList<BlockSubject> subjects = HeapStudy.Subjects;
        // A process of its own needs no warm-up here.
        ScatterCosts[][] turns = Rounds.InTurns(subjects, runs, ScatterProbe.Start, _ => { });
        double[] times = Rounds.Medians(turns, one => one.Nanoseconds);
        double[] resident = Rounds.Medians(turns, one => one.ResidentBytes);
        for (int i = 0; i < subjects.Count; i++)
        {
            report.Record(subjects[i].Name, ScatterProbe.Blocks, "A4", times[i], "ns");
            report.Record(subjects[i].Name, ScatterProbe.Blocks, "A4, resident", resident[i], "bytes");
        }

        context.Progress($"A4: {string.Join(", ", subjects.Select((subject, i) => $"{subject.Name} {Cells.Nanoseconds(times[i])} ns {Cells.Fixed(resident[i], 1)} bytes"))}");
        report.Add(new ReportTable(
            $"A4, {Cells.Count(ScatterProbe.Blocks)} × 64 bytes allocated for the first time, then freed in random order: ns for both and resident bytes of a block, median of {runs} processes",
            ["allocator", "ns", "× NativeHeap", "resident bytes"],
            [.. subjects.Select((subject, i) => (IReadOnlyList<string>)[
                subject.Name,
                Cells.Nanoseconds(times[i]),
                Cells.Fixed(times[i] / times[0], 2),
                Cells.Fixed(resident[i], 2)
            ])]));
        if (HeapStudy.IndexOf(PeerLibraries.Mimalloc.Name) is >= 0 and int mimalloc)
        {
            report.Add(new Bar("A4, NativeHeap against mimalloc", $"{MimallocFactor}×", MimallocFactor, times[0] / times[mimalloc], "×"));
        }

        report.Add(new Bar("A4, resident memory of a block of 64 bytes from NativeHeap", "66 bytes", ResidentBar, resident[0], "bytes"));
    }
}
