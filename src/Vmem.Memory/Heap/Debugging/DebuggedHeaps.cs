using System.Diagnostics.CodeAnalysis;
using Vmem.Checks;
using Vmem.Lifetimes;

namespace Vmem.Memory.Heap.Debugging;

/// <summary>The heaps with debugging. They say whose block it is that another heap was to free. Those that are alive when the process ends,
/// as the shared one is, report their leaks then.</summary>
/// <remarks>Weak: a heap that was dropped without being disposed of must not be kept for this. Asked only about frees that are wrong and at
/// the end, and with no heap's lock held: two heaps may ask each other at once.</remarks>
internal static class DebuggedHeaps
{
    private static readonly Gate s_gate = new();
    private static readonly List<WeakReference<HeapDebugger>> s_heaps = [];

    static DebuggedHeaps()
    {
        AppDomain.CurrentDomain.ProcessExit += ReportAll;
        Unloading.Then(static () => AppDomain.CurrentDomain.ProcessExit -= ReportAll);
    }

    public static void Add(HeapDebugger heap)
    {
        using (s_gate.EnterScope())
        {
            _ = s_heaps.RemoveAll(static reference => !reference.TryGetTarget(out _));
            s_heaps.Add(new WeakReference<HeapDebugger>(heap));
        }
    }

    public static void Remove(HeapDebugger heap)
    {
        using (s_gate.EnterScope())
        {
            _ = s_heaps.RemoveAll(reference => !reference.TryGetTarget(out HeapDebugger? other) || other == heap);
        }
    }

    /// <summary>Another heap in one of whose live blocks the address lies, and what it knows of that block.</summary>
    public static bool TryFindOwner(nuint address, HeapDebugger asking, [NotNullWhen(true)] out string? description)
    {
        description = Copy().Where(heap => heap != asking).Select(heap => heap.DescribeOwner(address)).FirstOrDefault(static found =>
            found is not null);
        return description is not null;
    }

    private static HeapDebugger[] Copy()
    {
        using (s_gate.EnterScope())
        {
            return [.. s_heaps.Select(static reference =>
                reference.TryGetTarget(out HeapDebugger? heap) ? heap : null).OfType<HeapDebugger>()];
        }
    }

    /// <summary>What a callback throws would end the process with an error, behind the back of its own last words: it is
    /// nobody's.</summary>
    private static void ReportAll(object? sender, EventArgs e)
    {
        foreach (HeapDebugger heap in Copy())
        {
            try
            {
                heap.ReportAtExit();
            }
#pragma warning disable CA1031 // See above.
            catch (Exception)
#pragma warning restore CA1031
            {
            }
        }
    }
}
