using Vmem.Memory.Heap.Debugging;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>What lies below a heap's face, and ends with it: the plain heap, and the debugger over it if there is one.</summary>
/// <remarks>It knows nothing of the face: so it can end a heap that was dropped, too.</remarks>
internal sealed class HeapLayers : IDisposable
{
    private int _ended;

    /// <exception cref="OutOfMemoryException">There is no memory for its tables. Nothing is left behind.</exception>
    public HeapLayers(AddressWindow window, NativeHeapOptions options, HeapDebugging debugging)
    {
        bool isDebugged = debugging != HeapDebugging.None;
        Plain = new PlainHeap(window, options.Name, options.Limit, options.HugePages, isDebugged,
            trustsCaller: options.TrustCaller && !isDebugged, options.TimeProvider);
        Top = Plain;
        try
        {
            Top = isDebugged ? new HeapDebugger(Plain, debugging, options.TimeProvider) : Plain;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public PlainHeap Plain { get; }

    /// <summary>What serves the face: the plain heap, or the debugger.</summary>
    public IHeapLayer Top { get; private set; }

    /// <summary>What is to be reported after the end; null if nothing is.</summary>
    public Action? Report { get; private set; }

    /// <summary>Gives everything back, once.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            Plain.Stop();
            Report = Top.End();
        }
    }
}
