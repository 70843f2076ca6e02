using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Seen;

namespace Vmem.Benchmarks.Studies;

/// <summary>What a process pays for being looked at: by its own registry, by the live page, and from outside.</summary>
internal sealed class SeenStudy : IStudy
{
    private const int LargeArena = 1_000_000;
    private const double MostEntry = 150;         // ns
    private const double MostStep = 100;          // µs
    private const double MostInterval = 2_000;    // µs
    private const double MostShare = 1;           // % of a core

    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(20);

    public string Name => "seen";

    public string Description => "What the registry, the live page and vmem top cost the process that is looked at.";

    public StudyReport Run(StudyContext context)
    {
        StudyReport report = new(
            Name,
            "Being looked at",
            $"{SeenArenas.Count} arenas, one of 10^6 segments. Times of threads are processor time; shares are those of the whole process, with a reader of the page in it.");
        MeasureRegistry(context, report);
        MeasureSlices(context, report);
        using SeenArenas arenas = new(LargeArena);
        MeasurePage(context, report);
        MeasureTop(context, report);
        return report;
    }

    private static void MeasureRegistry(StudyContext context, StudyReport report)
    {
        int runs = context.Settings.Runs ?? 11;
        using RegistryExperiment registry = new();
        double arena = Rounds.Median(Rounds.Alone(runs, RegistryExperiment.MeasureArena));
        double[] entries = [.. ((int[])[0, 1_000, 100_000]).Select(
            others => Rounds.Median(Rounds.Alone(runs, () => registry.MeasureEntry(others))))];
        context.Progress($"an arena made and disposed of: {arena:0} ns; its entry: {string.Join(", ", entries.Select(static entry => $"{entry:0}"))} ns");
        report.Add(new ReportTable(
            "Registry, ns",
            ["an arena, made and disposed of", "an entry, with no other", "with 1,000 others", "with 100,000 others"],
            [[Cells.Nanoseconds(arena), .. entries.Select(static entry => Cells.Nanoseconds(entry))]]));
        report.Add(new Bar("what the registry adds to an arena's life, with 1,000 others", "150 ns", MostEntry, entries[1], "ns"));
    }

    private static void MeasureSlices(StudyContext context, StudyReport report)
    {
        List<IReadOnlyList<string>> rows = [];
        foreach (int segments in context.Settings.Sizes(LargeArena, 10 * LargeArena))
        {
            using SeenArenas arenas = new(segments);
            (double median, double p999, double most, double interval) = SliceExperiment.Run(arenas.LargeView);
            (double figures, double mostFigures) = SliceExperiment.RunFigures(arenas.LargeView);
            context.Progress($"{Cells.Power(segments)}: a step {median:0.0} µs, at most {most:0.0}; an interval {interval:0} µs; figures {figures:0.0}, at most {mostFigures:0.0}");
            rows.Add(
            [
                Cells.Power(segments), Cells.Fixed(median, 1), Cells.Fixed(p999, 1), Cells.Fixed(most, 1), Cells.Fixed(interval, 0),
                Cells.Fixed(figures, 2), Cells.Fixed(mostFigures, 1),
            ]);
            report.Add(new Bar($"{Cells.Power(segments)} segments: the longest step of a map under the lock", "100 µs", MostStep, most, "µs"));
            report.Add(new Bar($"{Cells.Power(segments)} segments: all steps of an interval", "2 ms", MostInterval, interval, "µs"));
        }

        report.Add(new ReportTable("A map of one arena, µs", ["segments", "step of 256, median", "99.9 %", "most", "20,000 segments", "figures, median", "most"], rows));
    }

    private static void MeasurePage(StudyContext context, StudyReport report)
    {
        double without = ProcessorShare.Measure(s_window);
        using PageSubject page = new();
        Thread.Sleep(s_settling);
        double before = ProcessorShare.Measure(s_window);
        page.Look();
        Thread.Sleep(s_settling);
        long bytes = page.Bytes;
        double with = ProcessorShare.Measure(s_window);
        bytes = page.Bytes - bytes;
        context.Progress($"page: {100 * without:0.00} % of a core without it, {100 * before:0.00} % before, {100 * with:0.00} % with a reader, {bytes / s_window.TotalSeconds:N0} bytes a second");
        report.Add(Shares("The live page, % of a core", before, with, $"{Cells.Count((long)(bytes / s_window.TotalSeconds))} bytes a second"));
        report.Note($"Without the live page the process takes {Cells.Fixed(100 * without, 2)} % of a core.");
        report.Add(new Bar("the live page while nobody looks", "1 % of a core", MostShare, 100 * (before - without), "%"));
        report.Add(new Bar("the live page with one reader", "1 % of a core", MostShare, 100 * (with - before), "%"));
    }

    private static void MeasureTop(StudyContext context, StudyReport report)
    {
        double before = ProcessorShare.Measure(s_window);
        using Watcher watcher = new();
        Thread.Sleep(s_settling);
        int looks = watcher.Looks;
        double with = ProcessorShare.Measure(s_window);
        looks = watcher.Looks - looks;
        context.Progress($"vmem top: {100 * before:0.00} % of a core before, {100 * with:0.00} % with {looks} looks");
        report.Add(Shares("vmem top from outside, % of a core", before, with, $"{looks} looks"));
        report.Add(new Bar("vmem top, in the process that it looks at", "1 % of a core", MostShare, 100 * (with - before), "%"));
    }

    private static ReportTable Shares(string caption, double before, double with, string seen) =>
        new(caption, ["before", "with", "seen"], [[Cells.Fixed(100 * before, 2), Cells.Fixed(100 * with, 2), seen]]);
}
