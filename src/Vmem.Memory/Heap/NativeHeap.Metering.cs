namespace Vmem.Memory;

// What a collector of metrics reads.
public sealed unsafe partial class NativeHeap : IMetered
{
    private readonly MeteredEntry _metered;

    /// <inheritdoc/>
    bool IMetered.TryRead(int figure, out long value)
    {
        value = 0;
        lock (_returning)
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
}
