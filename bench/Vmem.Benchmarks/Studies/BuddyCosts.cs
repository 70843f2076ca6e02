using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>The time of an operation: each buddy allocator beside the arena that takes a lock, or takes none, as it does.</summary>
internal static class BuddyCosts
{
    // The largest request, and a thousand of the smallest: they tell the splitting of a fresh allocator from the rest.
    private static readonly ulong[] s_largestBlocks = [64, 1_024];

    public static void MeasurePair<TLaw>(StudyContext context, StudyReport report)
        where TLaw : struct, ISizeLaw
    {
        Line[] lines = [.. context.Settings.Locking.SelectMany(
            locking => Lines(locking)
                .Concat(s_largestBlocks.Select(largest => new Line(new BuddySubject(locking, largest), Rival(locking)))))];
        int runs = context.Settings.Runs ?? 9;
        double[] times = [.. TakeTurns(lines, runs, new PairExperiment<TLaw>(1)).Select(Rounds.Median)];
        string what = $"pair, sizes {TLaw.Name}";
        for (int i = 0; i < lines.Length; i++)
        {
            report.Record(lines[i].Subject.Key, 0, what, times[i], "ns");
            context.Progress($"{lines[i].Subject.Key}, {what}: {Cells.Nanoseconds(times[i])} ns");
        }

        report.Add(new ReportTable(
            $"{what}, fresh allocator, ns, median of {runs}",
            ["allocator", "pair", "× instant fit"],
            [.. lines.Select((line, i) =>
                (IReadOnlyList<string>)[line.Subject.Key, Cells.Nanoseconds(times[i]), RatioCell(lines, times, i)])]));
        AddBars(report, lines, times, what);
    }

    public static void MeasureSteadyState(StudyContext context, StudyReport report, int segments)
    {
        Line[] lines = [.. context.Settings.Locking.SelectMany(Lines)];
        int runs = context.Settings.Runs ?? 5;
        SteadyStateTimes[][] turns = TakeTurns(lines, runs, new SteadyStateExperiment<UniformTo64>(new SteadyStatePlan(segments, 65), 1));
        SteadyStateTimes[] times = [.. turns.Select(turn => new SteadyStateTimes(
            Rounds.Median(turn, one => one.Allocate), Rounds.Median(
                turn,
                one => one.Free), Rounds.Median(turn, one => one.Mix), (long)Rounds.Median(turn, one => one.Failures)))];
        for (int i = 0; i < lines.Length; i++)
        {
            SteadyStateRows.Record(report, lines[i].Subject.Key, segments, times[i]);
            context.Progress(SteadyStateRows.Describe(lines[i].Subject.Key, segments, times[i]));
        }

        report.Add(new ReportTable(
            $"Steady state, N = {Cells.Power(segments)}, ns, median of {runs}",
            SteadyStateRows.Columns,
            [.. lines.Select((line, i) => SteadyStateRows.Row(line.Subject.Key, times[i]))]));
        AddBars(report, lines, [.. times.Select(time => time.Pair)], $"steady state at {Cells.Power(segments)}, allocate + free");
        AddBars(report, lines, [.. times.Select(time => time.Mix)], $"steady state at {Cells.Power(segments)}, mix");
    }

    private static Line[] Lines(Locking locking) => [new(Rival(locking), null), new(new BuddySubject(locking), Rival(locking))];

    private static Subject Rival(Locking locking) => new(FitPolicy.InstantFit, FreeBy.Address, locking);

    private static TResult[][] TakeTurns<TResult>(Line[] lines, int runs, IExperiment<TResult> experiment)
        => Rounds.InTurns(lines, runs, line => line.Subject.Run(experiment));

    private static string RatioCell(Line[] lines, double[] times, int line)
        => lines[line].Rival is { } rival ? Cells.Fixed(times[line] / times[IndexOf(lines, rival)], 2) : Cells.Nothing;

    private static void AddBars(StudyReport report, Line[] lines, double[] times, string what)
    {
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Rival is { } rival)
            {
                report.Add(new Bar($"{lines[i].Subject.Key} against {rival.Key}, {what}", "1×", 1, times[i] / times[IndexOf(lines, rival)], "×"));
            }
        }
    }

    private static int IndexOf(Line[] lines, ISubject subject) => Array.FindIndex(lines, line => line.Subject.Equals(subject));

    /// <summary>A line of a table, and with whom it is compared.</summary>
    private sealed record Line(ISubject Subject, ISubject? Rival);
}
