using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Peers;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// A1 to A5: memory by the malloc interface, from <see cref="Memory.NativeHeap"/>, from malloc as .NET gets it, from native allocators
/// called as cheaply as .NET can, and, inside the managed heap, from the array pool.
/// </summary>
internal sealed class HeapStudy : IStudy
{
    private const int MixBlocks = 10_000;

    public string Name => "heap";

    public string Description => "A1 to A5: NativeHeap beside NativeMemory, mimalloc, jemalloc, tcmalloc and ArrayPool, on one thread and two.";

    /// <summary>Who takes part; the heap is first.</summary>
    public static IReadOnlyList<BlockSubject> Subjects { get; } =
        [BlockSubjects.Heap, BlockSubjects.System, .. BlockSubjects.Mallocs, BlockSubjects.ArrayPool];

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Memory by the malloc interface (A1 to A5)",
            "NativeHeap, one for all threads, beside NativeMemory, the mallocs that are on this machine (malloc is the C library's; all by function pointer, without the transition that NativeMemory makes), and ArrayPool<byte>.Shared. The first word of each block is written. Subjects take turns; medians. One thread is timed by its processor time, two by the clock on the wall. Natively, on the peers' machine, glibc, mimalloc, jemalloc, tcmalloc: A1 16.4, 16.2, 9.7, 9.1 ns; A2 38, 15.5, 20.6, 14.9 ns; A3 163, 87, 95, 197 ns; A4 167, 72, 80, 91 ns and 80.1, 64.5, 66.2, 64.5 bytes.");
        HeapCosts.Measure<LineSize>(context, report, "A1", "pair of 64 bytes", live: 0, HeapCosts.PairBars);
        HeapCosts.Measure<SmallBlocks>(context, report, "A2", "mix of 8 to 512 bytes, 10,000 live a thread", MixBlocks, HeapCosts.MixBars);
        HeapHandover.Measure(context, report);
        HeapScatter.Measure(context, report);
        HeapDisposal.Measure(context, report);
        report.Note("ArrayPool's resident bytes are no measure: the collector had memory of its own before the blocks came.");
        foreach (PeerLibrary library in PeerLibraries.All.Where(library => !library.IsPresent))
        {
            report.Note(library.AbsenceNote);
        }

        return report;
    }

    /// <summary>The index of a subject by its name; -1 where it is not on this machine.</summary>
    public static int IndexOf(string name) => Subjects.ToList().FindIndex(subject => subject.Name == name);
}
