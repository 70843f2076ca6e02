using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>Two threads with a client each of one context: they share the context, and should not notice.</summary>
internal static class ClientThreads
{
    private const double SecondsFactor = 0.2;
    private static readonly int[] s_threads = [1, 2];

    public static void Measure<TLaw>(StudyContext context, StudyReport report, string what, int live)
        where TLaw : struct, ISizeLaw
    {
        int runs = context.Settings.Runs ?? 7;
        BlockSubject[] subjects = [BlockSubjects.SynchronizedClient, .. ClientsStudy.Peers];
        double[][] rates = [.. s_threads.Select(threads =>
        {
            var experiment = new BlockThreadsExperiment<TLaw>(threads, live, SecondsFactor * context.Settings.Seconds);
            return Rounds.InTurns(subjects, runs, subject => subject.Run(experiment)).Select(Rounds.Median).ToArray();
        })];
        for (int i = 0; i < subjects.Length; i++)
        {
            for (int k = 0; k < s_threads.Length; k++)
            {
                report.Record(subjects[i].Name, live, $"{what}, {s_threads[k]} threads", rates[k][i], "M/s");
            }
        }

        context.Progress($"{what}: {string.Join(", ", subjects.Select((subject, i) => $"{subject.Name} {Cells.Fixed(rates[0][i], 1)} → {Cells.Fixed(rates[1][i], 1)}"))} M/s");
        report.Add(new ReportTable(
            $"Million {what}, a second; a client or heap for each thread; median of {runs}",
            ["allocator", "1 thr.", "2 thr.", "2 : 1"],
            [.. subjects.Select((subject, i) => (IReadOnlyList<string>)
                [subject.Name, Cells.Fixed(rates[0][i], 1), Cells.Fixed(rates[1][i], 1), Cells.Fixed(rates[1][i] / rates[0][i], 2)])]));
    }
}
