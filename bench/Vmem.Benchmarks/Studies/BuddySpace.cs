using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>What a buddy allocator costs in space: its tables, and what rounding to powers of two wastes of the range.</summary>
internal static class BuddySpace
{
    private const double BarBits = 2;
    private const int WasteSeeds = 3;

    private static readonly BuddySubject s_buddy = new(Locking.Single);

    // Powers of two, and two numbers that are cut into many blocks and leave groups half used.
    private static readonly ulong[] s_units = [1, 1 << 10, 1 << 14, 1 << 18, 1 << 22, 1 << 26, 1_000_000, (1 << 20) - 1];

    /// <summary>The bar allows bits for each minimum block and a constant, which it does not name: the table shows the least that would
    /// do.</summary>
    public static void MeasureBookkeeping(StudyContext context, StudyReport report)
    {
        var bytes = s_units.ToDictionary(units => units, units => s_buddy.Make(units).GetStatistics().BookkeepingBytes);
        double constant = bytes.Max(pair => pair.Value - (BarBits / 8 * pair.Key));
        double bits = bytes.Where(pair => pair.Key >= 1 << 18).Max(pair => 8.0 * pair.Value / pair.Key);
        foreach ((ulong units, long total) in bytes)
        {
            report.Record(s_buddy.Key, (long)units, "bookkeeping", total, "bytes");
        }

        context.Progress($"bookkeeping: {Cells.Fixed(bits, 3)} bits per minimum block where there are many; a constant of {Cells.Fixed(constant, 0)} bytes makes up for where there are few");
        report.Add(new ReportTable(
            $"Bookkeeping: 2 bits per minimum block and a constant of {Cells.Fixed(constant, 0)} bytes are enough for all of these",
            ["minimum blocks", "bytes", "bits each"],
            [.. bytes.Select(pair => (IReadOnlyList<string>)[
                Cells.Count((long)pair.Key),
                Cells.Count(pair.Value),
                Cells.Fixed(8.0 * pair.Value / pair.Key, 3)
            ])]));
        report.Add(new Bar("bits of bookkeeping per minimum block, from 2^18 on, at worst", "2 bits", BarBits, bits, "bits"));
    }

    public static void MeasureWaste<TLaw>(StudyContext context, StudyReport report)
        where TLaw : struct, ISizeLaw
    {
        int seeds = context.Settings.Runs ?? WasteSeeds;
        var rows = new List<IReadOnlyList<string>>();
        foreach ((ISubject subject, bool rounds) in new (ISubject, bool)[] { (s_buddy, true), (new Subject(FitPolicy.InstantFit), false) })
        {
            RampEnd[] ends = [.. Enumerable.Range(0, seeds)
                .Select(i => subject.Run(new RampExperiment<TLaw>(Xorshift64.DefaultSeed + (ulong)i, context.Settings.RampSteps)))];
            double requested = Rounds.Median(ends, end => end.Requested);
            double internalWaste = rounds ? Rounds.Median(ends, end => end.RoundedToPowers - end.Requested) : 0;
            double externalWaste = Rounds.Median(ends, end => 1 - (rounds ? end.RoundedToPowers : end.Requested));
            report.Record(subject.Key, 0, $"occupancy at first failure, {TLaw.Name}", requested, "of the capacity");
            report.Record(subject.Key, 0, $"internal waste, {TLaw.Name}", internalWaste, "of the capacity");
            report.Record(subject.Key, 0, $"external waste, {TLaw.Name}", externalWaste, "of the capacity");
            rows.Add([subject.Key, Cells.Percent(requested), Cells.Percent(internalWaste), Cells.Percent(externalWaste)]);
            context.Progress($"{subject.Key} law {TLaw.Name}: {Cells.Percent(requested)} asked for, {Cells.Percent(internalWaste)} lost to rounding, {Cells.Percent(externalWaste)} free");
        }

        report.Add(new ReportTable(
            $"Fragmentation ramp, sizes {TLaw.Name}: of the capacity, at the first failure, median of {seeds} seeds, {Cells.Count(context.Settings.RampSteps)} steps",
            ["allocator", "asked for", "lost to rounding (internal)", "free but no use (external)"],
            rows));
    }
}
