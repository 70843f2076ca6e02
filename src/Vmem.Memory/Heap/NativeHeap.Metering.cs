using Vmem.Diagnostics;
using Vmem.Memory.Diagnostics;
using Vmem.Memory.Heap;

namespace Vmem.Memory;

// What a collector of metrics reads.
public sealed unsafe partial class NativeHeap : IMetered
{
    private readonly MeteredEntry _metered;

    /// <inheritdoc/>
    bool IMetered.TryRead(int figure, out long value)
    {
        value = 0;
        NativeHeapStatistics figures;
        lock (_returning)
        {
            if (IsDisposed)
            {
                return false;
            }

            switch ((HeapFigure)figure)
            {
                case HeapFigure.Reserved:
                    value = long.CreateSaturating(_space.Size);
                    return true;
                case HeapFigure.Committed:
                    value = long.CreateSaturating(_space.CommittedBytes);
                    return true;
                case HeapFigure.Held:
                    value = long.CreateSaturating(CountHeld());
                    return true;
                case HeapFigure.Failures:
                    value = Interlocked.Read(ref _failures);
                    return true;
                default:
                    figures = Count();
                    break;
            }
        }

        bool isThere = TryCorrect(ref figures);
        value = (HeapFigure)figure switch
        {
            HeapFigure.InUse => long.CreateSaturating(figures.InUse),
            HeapFigure.Cached => long.CreateSaturating(figures.Cached),
            HeapFigure.Allocations => figures.Allocations,
            HeapFigure.Frees => figures.Frees,
            _ => figures.LiveBlocks,
        };
        return isThere;
    }

    private nuint CountHeld()
    {
        nuint held = (nuint)Interlocked.Read(ref _largeBytes) + (_firstBlocks is null ? 0 : _firstBlocks.Statistics.TotalSize);
        for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            held += _slabs[sizeClass].Count().Bytes;
        }

        return held;
    }
}
