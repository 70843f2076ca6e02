using System.Globalization;
using Vmem.Benchmarks.Peers;
using Vmem.Benchmarks.Subjects;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>Bytes per live segment. Written and read as four numbers on one line, from the child process to its parent.</summary>
internal readonly record struct BookkeepingBytes(double TablesFilled, double TablesChurned, double ResidentFilled, double ResidentChurned)
{
    public static BookkeepingBytes Parse(string line)
    {
        double[] values = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
        return values.Length == 4
            ? new BookkeepingBytes(values[0], values[1], values[2], values[3])
            : throw new FormatException($"Four numbers were expected, not '{line}'.");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{TablesFilled:R} {TablesChurned:R} {ResidentFilled:R} {ResidentChurned:R}");
}

/// <summary>The child process of the bookkeeping study: one allocator in an otherwise empty process.</summary>
internal static class BookkeepingProbe
{
    /// <summary>Before the path of a peer's library.</summary>
    public const string PeerPrefix = "peer:";

    public static int Run(string subjectKey, int segments)
    {
        ISubject subject = subjectKey.StartsWith(PeerPrefix, StringComparison.Ordinal)
            ? new PeerSubject(RangePeer.Load(subjectKey[PeerPrefix.Length..]))
            : Subject.Parse(subjectKey);
        var experiment = new Experiment();
        // The first run loads and compiles the code; what it leaves in memory is part of the base line.
        experiment.Segments = 1_000;
        subject.Run(experiment);
        experiment.Segments = segments;
        Console.Out.WriteLine(subject.Run(experiment));
        return 0;
    }

    private sealed class Experiment : IExperiment<BookkeepingBytes>
    {
        public int Segments { get; set; }

        public BookkeepingBytes Run<TTarget, TTicket>(TargetFactory<TTarget> make)
            where TTarget : struct, ITarget<TTicket>
            where TTicket : struct
        {
            var plan = new SteadyStatePlan(Segments, 65);
            // Some take all their memory when they are made. The tickets, which the second constructor touches, do not count.
            long empty = ResidentBytes();
            TTarget target = make(plan.Capacity);
            long own = ResidentBytes() - empty;
            using var state = new SteadyState<TTarget, TTicket, UniformTo64>(target, Segments, plan.Seed);
            long before = ResidentBytes() - own;
            state.Fill();
            double tablesFilled = state.Target.BookkeepingBytes;
            double residentFilled = ResidentBytes() - before;
            state.Replace(plan.Replacements);
            double tablesChurned = state.Target.BookkeepingBytes;
            double residentChurned = ResidentBytes() - before;
            double count = Segments;
            return new BookkeepingBytes(tablesFilled / count, tablesChurned / count, residentFilled / count, residentChurned / count);
        }

        private static long ResidentBytes()
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            return Environment.WorkingSet;
        }
    }
}
