using Vmem.Caching;
using Vmem.Memory.Budget;
using Vmem.Memory.Heap;
using Vmem.Memory.Window;

namespace Vmem.Memory.Tests.Window;

/// <summary>Address space of a test's own, for heaps whose pages are counted. In the window of the process a heap may get pages that
/// another has left dirty, and what it gives back is soon another's.</summary>
internal sealed class OwnWindow : IDisposable
{
    // One at a time: another test that gives up all that is kept may be at work on a heap of this window, which must not end meanwhile.
    private static readonly Lock s_givingUp = new();

    private readonly List<NativeHeap> _heaps = [];

    /// <summary>Memory is never short: what the machine says of itself is not asked.</summary>
    public OwnWindow()
    {
        Budget = new MemoryBudget(nuint.MaxValue, new MemoryPressure(Path.Join(Path.GetTempPath(), "no such folder")));
        Window = new AddressWindow(Budget);
    }

    public MemoryBudget Budget { get; }

    public AddressWindow Window { get; }

    public NativeHeap NewHeap(NativeHeapOptions? options = null)
    {
        NativeHeap heap = new(options ?? new NativeHeapOptions(), Window);
        _heaps.Add(heap);
        return heap;
    }

    public void Dispose()
    {
        _heaps.ForEach(static heap => heap.Dispose());
        using (s_givingUp.EnterScope())
        {
            ((IUpkeepTarget)SpareHeaps.Shared).RelievePressure();      // what lay below them may be kept there
        }

        Window.Dispose();
    }
}
