using Vmem.Memory.Heap.Debugging;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>What lies below a heap's face, and ends with it: the plain heap, and what is over it, if anything is: a debugger or a
/// sampler.</summary>
/// <remarks>It knows nothing of the face: so it can end a heap that was dropped, too. Nor does it keep what the heap's user wants to be
/// called by, which mostly leads back to the heap (<see cref="HeapListeners"/>).</remarks>
internal sealed class HeapLayers : IDisposable
{
    private int _ended;

    /// <exception cref="OutOfMemoryException">There is no memory for its tables. Nothing is left behind.</exception>
    public HeapLayers(AddressWindow window, NativeHeapOptions options, HeapDebugging debugging)
    {
        SampleRate? rate = debugging.Sample == 0 ? null : new SampleRate(debugging.Sample, (ulong)Random.Shared.NextInt64());
        bool isDebugged = rate is null && debugging != HeapDebugging.None;
        bool isPlain = !isDebugged && rate is null;
        Plain = (isPlain ? SpareHeaps.Shared.Take(window, options) : null) ?? new PlainHeap(window, options, isDebugged, rate);
        HasFastPaths = !isDebugged;
        Runs = isPlain ? Plain : null;
        Top = Plain;
        try
        {
            if (rate is not null)
            {
                var sampler = new HeapSampler(Plain, debugging, options.TimeProvider, rate);
                Debugger = sampler.Sampled;
                Top = sampler;
            }
            else if (isDebugged)
            {
                Top = Debugger = new HeapDebugger(Plain, debugging, options.TimeProvider);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public PlainHeap Plain { get; }

    /// <summary>What has records of all blocks, or of those that are samples; null: nothing has.</summary>
    public HeapDebugger? Debugger { get; }

    /// <summary>Whether blocks of the plain heap are the users'.</summary>
    public bool HasFastPaths { get; }

    /// <summary>Where page runs come from and go to by the short way; null: by no short way.</summary>
    public PlainHeap? Runs { get; }

    /// <summary>What serves the face: the plain heap, the debugger, or the sampler.</summary>
    public IHeapLayer Top { get; private set; }

    /// <summary>What is to be reported after the end; null if nothing is.</summary>
    public Action? Report { get; private set; }

    /// <summary>Whether another heap may have what lies below: nobody is in a call of this one.</summary>
    public bool MayBeKept { get; set; }

    /// <summary>Whether somebody waits for the report: nobody does where the heap was dropped.</summary>
    public bool MayReport { get; set; }

    /// <summary>Gives everything back, once, whatever the clock of the heap's user throws.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0 || TryKeep())
        {
            return;
        }

        try
        {
            Plain.Stop();
        }
        finally
        {
            Report = Top.End(MayReport);
        }
    }

    private bool TryKeep()
    {
        try
        {
            return MayBeKept && Top == Plain && Plain.TryReset() && SpareHeaps.Shared.TryKeep(Plain);
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }
}
