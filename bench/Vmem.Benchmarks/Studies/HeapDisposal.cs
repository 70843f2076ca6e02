using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;

namespace Vmem.Benchmarks.Studies;

/// <summary>A5: a heap of its own, filled and disposed of, beside the same blocks freed one by one. The fill is shown too: what a disposal
/// puts off, the next fill pays.</summary>
internal static class HeapDisposal
{
    private const int Blocks = 100_000;
    private const int Size = 64;
    private const double EachFactor = 50;

    public static void Measure(StudyContext context, StudyReport report)
    {
        int runs = context.Settings.Runs ?? 7;
        Row[] rows =
        [
            new(BlockSubjects.OwnHeap, Deletion.Whole),
            new(BlockSubjects.OwnHeap, Deletion.Each),
            new(BlockSubjects.System, Deletion.Each),
            .. BlockSubjects.Mallocs.Select(subject => new Row(subject, Deletion.Each)),
            .. BlockSubjects.MimallocHeaps.Select(subject => new Row(subject, Deletion.Whole)),
            new(BlockSubjects.Region, Deletion.Whole),
        ];
        DeletionTimes[][] turns = Rounds.InTurns(rows, runs, row => row.Subject.Run(new DeletionExperiment(row.Deletion, Blocks, Size)));
        double[] ends = Rounds.Medians(turns, one => one.Delete);
        double[] fills = Rounds.Medians(turns, one => one.Fill);
        double[] lives = Rounds.Medians(turns, one => one.Whole);
        for (int i = 0; i < rows.Length; i++)
        {
            report.Record(rows[i].Name, Blocks, "A5, end", ends[i], "µs");
            report.Record(rows[i].Name, Blocks, "A5, life", lives[i], "µs");
        }

        context.Progress($"A5: {string.Join(", ", rows.Select((row, i) => $"{row.Name} {Cells.Fixed(ends[i], 1)}"))} µs");
        report.Add(new ReportTable(
            $"A5, {Cells.Count(Blocks)} blocks of {Size} bytes, µs, median of {runs} turns of 9",
            ["allocator", "end", "fill", "both"],
            [.. rows.Select((row, i) =>
                (IReadOnlyList<string>)[row.Name, Cells.Fixed(ends[i], 1), Cells.Fixed(fills[i], 0), Cells.Fixed(lives[i], 0)])]));
        report.Add(new Bar("A5, NativeHeap.Free of each against Dispose", $"{EachFactor}×", EachFactor, ends[1] / ends[0], "×", AtLeast: true));
    }

    private sealed record Row(BlockSubject Subject, Deletion Deletion)
    {
        public string Name => Deletion == Deletion.Each ? $"{Subject.Name}: free each" : $"{Subject.Name}: dispose";
    }
}
