using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// No operation may be long because the tables grow: nothing is rehashed or copied in one go. Every single operation on the way from
/// nothing to 10^7 live segments is timed and the ten longest are kept. Two clocks: the wall's, and the thread's processor time, which
/// stands still while another process has the processor. On a machine that is shared the longest interval is often nobody's fault; so the
/// same loop runs with nothing in it (idle: interrupts and other processes), and with a write to 40 bytes of new memory (touch: the page
/// faults of any table that grows). What the arena shows beyond those two is its own.
/// </summary>
internal sealed class PauseStudy : IStudy
{
    private const int Segments = 10_000_000;

    public string Name => "pause";

    public string Description => "The longest single operations while growing to 10^7 live segments.";

    public StudyReport Run(StudyContext context)
    {
        int segments = Math.Min(Segments, context.Settings.MaxSegments);
        var report = new StudyReport(
            Name,
            "Pauses while growing",
            "Grow to N live ranges, a random one freed after every third allocation, each operation timed by itself: by the wall clock, and by the thread's processor time (all other columns). 'idle' is the same loop without an allocator (the machine's own jitter), 'touch' one that only writes 40 bytes of new memory an allocation (page faults). Collections are those of the .NET runtime during the loop.");
        int runs = context.Settings.Runs ?? 1;
        var experiment = new PauseExperiment(segments);
        var rows = new List<IReadOnlyList<string>>();
        for (int run = 0; run < runs; run++)
        {
            Add(context, report, rows, "idle", experiment.Run<IdleTarget, AddressTicket>(_ => new IdleTarget()));
            Add(context, report, rows, "touch", experiment.Run<TouchTarget, AddressTicket>(_ => new TouchTarget((ulong)segments * 3 / 2)));
            foreach (Subject subject in context.Settings.PlainArenas())
            {
                Add(context, report, rows, subject.Key, subject.Run(experiment));
            }
        }
        report.Add(new ReportTable(
            $"N = {Cells.Power(segments)}, µs", ["allocator", "longest, wall", "longest", "at operation", "the ten longest", "99.999 %", "> 100 µs", "collections"], rows));
        if (!ThreadClock.IsProcessorTime)
        {
            report.Note("This system has no precise clock of a thread's processor time: every column is the wall clock.");
        }
        report.Note("A pause of the allocator's own comes at the same operation in every run and for every seed; one of the machine's does not. Run it twice (--runs 2).");
        return report;
    }

    private static void Add(StudyContext context, StudyReport report, List<IReadOnlyList<string>> rows, string subject, PauseTimes times)
    {
        string longest = Cells.Fixed(times.Longest[0].Nanoseconds / 1_000.0, 1);
        rows.Add([
            subject,
            Cells.Fixed(times.Wall / 1_000, 1),
            longest,
            Cells.Count(times.Longest[0].Operation),
            string.Join(" ", times.Longest.Select(pause => Cells.Fixed(pause.Nanoseconds / 1_000.0, 0))),
            Cells.Fixed(times.Quantile / 1_000, 1),
            Cells.Count(times.Long),
            Cells.Count(times.Collections)]);
        report.Record(subject, times.Segments, "longest operation, wall clock", times.Wall, "ns");
        report.Record(subject, times.Segments, "longest operation, processor time", times.Longest[0].Nanoseconds, "ns");
        foreach (Pause pause in times.Longest)
        {
            report.Record(subject, times.Segments, $"processor time of operation {pause.Operation}", pause.Nanoseconds, "ns");
        }
        report.Record(subject, times.Segments, "99.999th percentile", times.Quantile, "ns");
        report.Record(subject, times.Segments, "operations over 100 µs", times.Long, "operations");
        report.Record(subject, times.Segments, "collections", times.Collections, "collections");
        context.Progress($"{subject}: longest {longest} µs at operation {Cells.Count(times.Longest[0].Operation)}, {times.Collections} collections");
    }
}
