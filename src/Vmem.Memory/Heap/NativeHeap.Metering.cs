namespace Vmem.Memory;

// What a collector of metrics reads.
public sealed unsafe partial class NativeHeap : IMetered
{
    private readonly Lock _metering = new();      // held while figures are read: the end of the heap waits
    private readonly MeteredEntry _metered;

    /// <inheritdoc/>
    bool IMetered.TryRead(int figure, out long value)
    {
        value = 0;
        lock (_metering)
        {
            if (IsDisposed)
            {
                return false;
            }

            value = (HeapFigure)figure switch
            {
                HeapFigure.Reserved => long.CreateSaturating(_space.Size),
                HeapFigure.Committed => long.CreateSaturating(_space.CommittedBytes),
                HeapFigure.Failures => Interlocked.Read(ref _failures),
                HeapFigure.Held => long.CreateSaturating(Count().Held),
                HeapFigure.InUse => long.CreateSaturating(Count().InUse),
                HeapFigure.Cached => long.CreateSaturating(Count().Cached),
                _ => Count().LiveBlocks,
            };
            return true;
        }
    }

    /// <summary>No collector reads any more, once this returns.</summary>
    private void EndMetering()
    {
        MemoryMetrics.Heaps.Remove(_metered);
        lock (_metering)
        {
            // Whoever comes now finds the heap disposed of.
        }
    }
}
