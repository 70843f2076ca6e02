using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// The buddy allocator beside the arena's instant fit: what an operation costs on a fresh allocator and in the steady state, how large the
/// tables are, and how full either can get, which is where a buddy pays for its powers of two.
/// </summary>
internal sealed class BuddyStudy : IStudy
{
    public string Name => "buddy";

    public string Description => "The buddy allocator beside instant fit: pair, steady state, bits of bookkeeping, internal and external waste.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Buddy allocator",
            "Minimum block 1, largest block the largest power of two in the range unless its name says otherwise, freed by start; the arena is freed by start and size. Pair: 1 M allocations, each freed at once, on a fresh allocator over 2^20. Steady state as in growth: capacity 65·N, sizes U64. Subjects take turns; medians.");
        BuddyCosts.MeasurePair<UniformTo64>(context, report);
        BuddyCosts.MeasurePair<UnitSize>(context, report);
        foreach (int segments in context.Settings.Sizes(1_000, 1_000_000))
        {
            BuddyCosts.MeasureSteadyState(context, report, segments);
        }

        BuddySpace.MeasureBookkeeping(context, report);
        BuddySpace.MeasureWaste<UniformTo64>(context, report);
        BuddySpace.MeasureWaste<PowerLaw>(context, report);
        return report;
    }
}
