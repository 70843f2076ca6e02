using System.Numerics;
using Vmem.Caching;

namespace Vmem;

/// <summary>What a collector of metrics reads: one figure at a time, without a walk.</summary>
public sealed partial class Arena<T> : IMetered
{
    private readonly MeteredArena _metered;

    /// <inheritdoc/>
    /// <remarks>Under the lock, if there is one. A single-threaded arena has none, and is read while it works: its figures are of some
    /// moment during the reading, and of a type wider than the machine's words possibly of two.</remarks>
    bool IMetered.TryRead(ArenaFigure figure, out long value)
    {
        EnterFrozen(evenDisposed: true);
        value = _disposed ? 0 : Read(figure);
        bool read = !_disposed;
        ExitFrozen();
        return read;
    }

    private long Read(ArenaFigure figure)
    {
        MagazineTotals<T> magazines = _caches?.Count() ?? default;
        T cached = magazines.Units + (_idlePlus1 - T.One);
        switch (figure)
        {
            case ArenaFigure.Size:
                return long.CreateSaturating(Saturate(_map.TotalSize, _map.SpanCount));
            case ArenaFigure.InUse:
                return long.CreateSaturating(Saturate(_map.InUse - cached, LiveRanges(magazines)));
            case ArenaFigure.Cached:
                return long.CreateSaturating(cached);
            case ArenaFigure.Imported:
                return long.CreateSaturating(Saturate(_map.Imported, _imports - _releases));
            case ArenaFigure.Allocations:
                return _allocations + magazines.Taken;
            case ArenaFigure.Frees:
                long allocations = Volatile.Read(ref _allocations);
                return allocations + magazines.Taken - LiveRanges(magazines);     // in this order: without a lock, too few and never too many
            case ArenaFigure.Failures:
                return _failures;
            case ArenaFigure.Waits:
                return _waits;
            default:
                return 0;
        }
    }
}
