using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Peers;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>A1 and A2: what an allocation and a free cost, on one thread by its processor time, and on each of two by the clock on the
/// wall.</summary>
internal static class HeapCosts
{
    private const double SecondsFactor = 0.1;
    private const double PairFactor = 2;

    public static void Measure<TLaw>(
        StudyContext context,
        StudyReport report,
        string key,
        string what,
        int live,
        Action<StudyReport, double[]> addBars)
        where TLaw : struct, ISizeLaw
    {
        int runs = context.Settings.Runs ?? 11;
        IReadOnlyList<BlockSubject> subjects = HeapStudy.Subjects;
        var experiment = new BlockCostsExperiment<TLaw>(live, SecondsFactor * context.Settings.Seconds);
        BlockCosts[][] turns = Rounds.InTurns(subjects, runs, subject => subject.Run(experiment));
        double[] one = Rounds.Medians(turns, costs => costs.OneThread);
        double[] two = Rounds.Medians(turns, costs => costs.TwoThreads);
        double[] bytes = Rounds.Medians(turns, costs => costs.ManagedBytes);
        for (int i = 0; i < subjects.Count; i++)
        {
            report.Record(subjects[i].Name, live, $"{key}, 1 thread", one[i], "ns");
            report.Record(subjects[i].Name, live, $"{key}, 2 threads", two[i], "ns");
            report.Record(subjects[i].Name, live, $"{key}, managed memory", bytes[i], "bytes");
        }

        context.Progress($"{key}: {string.Join(", ", subjects.Select((subject, i) => $"{subject.Name} {Cells.Nanoseconds(one[i])} → {Cells.Nanoseconds(two[i])}"))} ns");
        report.Add(new ReportTable(
            $"{key}, {what}: ns for an allocation and a free, median of {runs}",
            ["allocator", "1 thread", "× NativeHeap", "each of 2 threads", "× NativeHeap", "managed bytes"],
            [.. subjects.Select((subject, i) => (IReadOnlyList<string>)
                [
                    subject.Name, Cells.Nanoseconds(one[i]), Cells.Fixed(one[i] / one[0], 2),
                    Cells.Nanoseconds(two[i]), Cells.Fixed(two[i] / two[0], 2), Cells.Fixed(bytes[i], 3)
                ])]));
        addBars(report, one);
        report.Add(new Bar($"{key}, managed memory of NativeHeap", "0", 0, Math.Round(bytes[0], 3), "bytes"));
    }

    /// <summary>The pair on one thread: twice as fast as malloc from .NET, and as mimalloc.</summary>
    public static void PairBars(StudyReport report, double[] nanoseconds)
    {
        foreach (string rival in new[] { BlockSubjects.System.Name, PeerLibraries.Mimalloc.Name })
        {
            int index = HeapStudy.IndexOf(rival);
            if (index >= 0)
            {
                report.Add(new Bar($"A1, {rival} against NativeHeap", $"{PairFactor}×", PairFactor, nanoseconds[index] / nanoseconds[0], "×", AtLeast: true));
            }
        }
    }

    /// <summary>The mix on one thread: faster than every peer.</summary>
    public static void MixBars(StudyReport report, double[] nanoseconds)
    {
        int best = Enumerable.Range(1, nanoseconds.Length - 1).MinBy(i => nanoseconds[i]);
        report.Add(new Bar($"A2, the fastest peer ({HeapStudy.Subjects[best].Name}) against NativeHeap", "1×", 1, nanoseconds[best] / nanoseconds[0], "×", AtLeast: true));
    }
}
