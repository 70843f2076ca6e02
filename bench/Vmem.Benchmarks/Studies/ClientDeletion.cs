using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// What a client is for: all it holds is freed at once. The fill is shown beside the deletion, because an allocator can put off until the
/// next fill what it owes after a deletion: zeroing the memory for its next owner, or fetching it from the system again.
/// </summary>
internal static class ClientDeletion
{
    private const int Blocks = 100_000;
    private const int Size = 64;
    private const double EachFactor = 50;
    private const double SameOrder = 10;

    public static void Measure(StudyContext context, StudyReport report)
    {
        int runs = context.Settings.Runs ?? 7;
        Row[] rows =
        [
            new(BlockSubjects.Client, Deletion.Whole),
            new(BlockSubjects.BareClient, Deletion.Whole),
            new(BlockSubjects.ErasingClient, Deletion.Whole),
            new(BlockSubjects.Client, Deletion.Each),
            new(BlockSubjects.System, Deletion.Each),
            .. BlockSubjects.Mallocs.Select(subject => new Row(subject, Deletion.Each)),
            .. BlockSubjects.MimallocHeaps.Select(subject => new Row(subject, Deletion.Whole)),
            new(BlockSubjects.Region, Deletion.Whole),
        ];
        DeletionTimes[][] turns = Rounds.InTurns(rows, runs, row => row.Subject.Run(new DeletionExperiment(row.Deletion, Blocks, Size)));
        var medians = rows.Select((row, i) => (row, Times: MedianOf(turns[i]))).ToDictionary(pair => pair.row, pair => pair.Times);
        foreach ((Row row, DeletionTimes times) in medians)
        {
            report.Record(row.Name, Blocks, "first fill", times.FirstFill, "µs");
            report.Record(row.Name, Blocks, "fill", times.Fill, "µs");
            report.Record(row.Name, Blocks, "deletion", times.Delete, "µs");
            report.Record(row.Name, Blocks, "fill and deletion", times.Whole, "µs");
            context.Progress($"{row.Name}: deletion {Cells.Fixed(times.Delete, 1)}, fill {Cells.Fixed(times.Fill, 0)} µs");
        }

        report.Add(new ReportTable(
            $"{Cells.Count(Blocks)} blocks of {Size} bytes, µs, median of {runs} turns of 9. First fill: the first client of a context, on memory never touched (a malloc has been there before)",
            ["allocator", "deletion", "fill", "both", "first fill", "managed bytes"],
            [.. medians.Select(pair => (IReadOnlyList<string>)
                [
                    pair.Key.Name, Cells.Fixed(pair.Value.Delete, 1), Cells.Fixed(pair.Value.Fill, 0), Cells.Fixed(pair.Value.Whole, 0),
                    Cells.Fixed(pair.Value.FirstFill, 0), Cells.Count((long)pair.Value.ManagedBytes)
                ])]));
        AddBars(report, medians);
    }

    private static void AddBars(StudyReport report, Dictionary<Row, DeletionTimes> medians)
    {
        double client = medians[new Row(BlockSubjects.Client, Deletion.Whole)].Delete;
        double each = medians[new Row(BlockSubjects.System, Deletion.Each)].Delete;
        report.Add(new Bar("NativeMemory.Free of each against the client's deletion", $"{EachFactor}×", EachFactor, each / client, "×", AtLeast: true));
        foreach (BlockSubject heap in BlockSubjects.MimallocHeaps)
        {
            report.Add(new Bar("the client's deletion against mi_heap_destroy", $"{SameOrder}×", SameOrder, client / medians[new Row(heap, Deletion.Whole)].Delete, "×"));
        }
    }

    private static DeletionTimes MedianOf(DeletionTimes[] turns) => new(
        Rounds.Median(turns, turn => turn.FirstFill),
        Rounds.Median(turns, turn => turn.Fill),
        Rounds.Median(turns, turn => turn.Delete),
        Rounds.Median(turns, turn => turn.Whole),
        Rounds.Median(turns, turn => turn.ManagedBytes));

    private sealed record Row(BlockSubject Subject, Deletion Deletion)
    {
        public string Name => Deletion == Deletion.Each ? $"{Subject.Name}: free each" : $"{Subject.Name}: delete";
    }
}
