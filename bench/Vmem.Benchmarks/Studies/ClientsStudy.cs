using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Peers;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>
/// Isolated clients of one block of memory, beside malloc as .NET gets it, native allocators called as cheaply as .NET can, and what
/// native code has that is like a client: a heap of mimalloc's. What a block costs; and what a client is for, its deletion.
/// </summary>
internal sealed class ClientsStudy : IStudy
{
    private const int MixBlocks = 10_000;

    public string Name => "clients";

    public string Description => "Isolated clients: a block's cost and a client's deletion, beside NativeMemory, mimalloc and other mallocs.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Isolated clients",
            "A client of a MemoryContext as it comes (memory is zeroed when it changes hands) and with features, beside NativeMemory, the mallocs that are on this machine (by function pointer, without the transition that NativeMemory makes), a heap of mimalloc's, and a region that only moves a pointer. The first word of each block is written. Subjects take turns; medians. Natively, on the peers' machine: pair of 64 bytes glibc 16.4, mimalloc 16.2, jemalloc 9.7, tcmalloc 9.1 ns; mix 38, 15.5, 20.6, 14.9 ns; freeing 100,000 × 64 bytes 1,115, 495, 1,517, 1,290 µs, mi_heap_destroy 8.8, a region 3.9 µs.");
        ClientCosts.Measure<LineSize>(context, report, "pair of 64 bytes", 0);
        ClientCosts.Measure<SmallBlocks>(context, report, "mix of 8 to 512 bytes, 10,000 live", MixBlocks);
        ClientThreads.Measure<LineSize>(context, report, "pairs of 64 bytes", 0);
        ClientThreads.Measure<SmallBlocks>(context, report, "replacements of 8 to 512 bytes, 10,000 live a thread", MixBlocks);
        ClientDeletion.Measure(context, report);
        foreach (PeerLibrary library in PeerLibraries.All.Where(library => !library.IsPresent))
        {
            report.Note(library.AbsenceNote);
        }

        return report;
    }

    /// <summary>Who stands beside the client where blocks are allocated and freed one by one.</summary>
    public static IEnumerable<BlockSubject> Peers => [BlockSubjects.System, .. BlockSubjects.Mallocs, .. BlockSubjects.MimallocHeaps];
}
