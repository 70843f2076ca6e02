using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>What an allocation and a free of a block cost one thread, by a client with each feature and by its peers.</summary>
internal static class ClientCosts
{
    // The client as it comes is the first: what all clients share is compiled for its profile.
    private static readonly BlockSubject[] s_clients =
        [BlockSubjects.Client, BlockSubjects.SynchronizedClient, BlockSubjects.ZeroingClient, BlockSubjects.GuardedClient];

    public static void Measure<TLaw>(StudyContext context, StudyReport report, string what, int live)
        where TLaw : struct, ISizeLaw
    {
        int runs = context.Settings.Runs ?? 15;
        BlockSubject[] subjects = [.. s_clients, .. ClientsStudy.Peers];
        var experiment = new BlockTimesExperiment<TLaw>(live);
        BlockTimes[][] turns = Rounds.InTurns(subjects, runs, subject => subject.Run(experiment));
        double[] times = Rounds.Medians(turns, one => one.Nanoseconds);
        double[] bytes = Rounds.Medians(turns, one => one.ManagedBytes);
        double system = times[Array.IndexOf(subjects, BlockSubjects.System)];
        for (int i = 0; i < subjects.Length; i++)
        {
            report.Record(subjects[i].Name, live, what, times[i], "ns");
            report.Record(subjects[i].Name, live, $"{what}, managed memory", bytes[i], "bytes");
        }

        context.Progress($"{what}: {string.Join(", ", subjects.Select((subject, i) => $"{subject.Name} {Cells.Nanoseconds(times[i])}"))} ns");
        report.Add(new ReportTable(
            $"{what}: ns for an allocation and a free, median of {runs}",
            ["allocator", "ns", "× NativeMemory", "managed bytes"],
            [.. subjects.Select((subject, i) => (IReadOnlyList<string>)[
                subject.Name,
                Cells.Nanoseconds(times[i]),
                Cells.Fixed(times[i] / system, 2),
                Cells.Fixed(bytes[i], 1)
            ])]));
        report.Add(new Bar($"{what}, client against NativeMemory", "1×", 1, times[0] / system, "×"));
        report.Add(new Bar($"{what}, managed memory of every client", "0", 0, bytes.Take(s_clients.Length).Max(), "bytes"));
    }
}
