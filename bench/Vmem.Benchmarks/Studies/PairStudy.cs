using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// B1: allocate and free at once, on a fresh arena. Everything is in the first-level cache and every branch is predicted: the number of
/// instructions, and nothing else. The floor under every other study.
/// </summary>
internal sealed class PairStudy : IStudy
{
    public string Name => "pair";

    public string Description => "B1: allocate and free at once, on a fresh arena.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Hot pair (B1)",
            "A fresh arena; allocate and free the same range, 1 M times, generator included. Peers: sizes U64 TLSF 36–47, OffsetAllocator 38, VMA 39, libumem vmem 65; size 1 all 23–37, libumem through its quantum cache 37–58.",
            context.Calibration);
        int runs = context.Settings.Runs ?? 5;
        var rows = new List<IReadOnlyList<string>>();
        foreach (Subject subject in context.Settings.Arenas().Concat(context.Settings.Baseline(1)))
        {
            double mixed = subject.Run(new PairExperiment<UniformTo64>(runs));
            double unit = subject.Run(new PairExperiment<UnitSize>(runs));
            report.Record(subject.Key, 0, "pair U64", mixed, "ns");
            report.Record(subject.Key, 0, "pair 1", unit, "ns");
            rows.Add([subject.Key, Cells.Nanoseconds(mixed), Cells.Nanoseconds(unit)]);
            context.Progress($"{subject.Key}: {Cells.Nanoseconds(mixed)} ns, size 1 {Cells.Nanoseconds(unit)} ns");
        }
        report.Add(new ReportTable($"ns a pair, median of {runs}", ["allocator", "U64", "size 1"], rows));
        return report;
    }
}
