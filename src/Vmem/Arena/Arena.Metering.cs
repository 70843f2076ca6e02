using System.Numerics;
using Vmem.Caching;
using Vmem.Diagnostics;

namespace Vmem;

// What a collector of metrics reads: one figure at a time, without a walk.
public sealed partial class Arena<T> : IMetered
{
    private readonly MeteredEntry _metered;

    /// <inheritdoc/>
    /// <remarks>Under the lock, if there is one. A single-threaded arena has none, and is read while it works: its figures are of some
    /// moment during the reading, and of a type wider than the machine's words possibly of two.</remarks>
    bool IMetered.TryRead(int figure, out long value)
    {
        var wanted = (ArenaFigure)figure;
        bool ofCaches = wanted is ArenaFigure.InUse or ArenaFigure.Cached or ArenaFigure.Allocations or ArenaFigure.Frees;
        if (ofCaches)
        {
            EnterFrozen(evenDisposed: true);
        }
        else
        {
            EnterRaw();
        }

        value = _disposed ? 0 : Read(wanted, ofCaches && _caches is not null ? _caches.Count() : default);
        bool read = !_disposed;
        if (ofCaches)
        {
            ExitFrozen();
        }
        else
        {
            Exit();
        }

        return read;
    }

    private long Read(ArenaFigure figure, in MagazineTotals<T> magazines)
    {
        T cached = magazines.Units + (_idlePlus1 - T.One);
        switch (figure)
        {
            case ArenaFigure.Size:
                return long.CreateSaturating(Saturate(_map.TotalSize, _map.SpanCount));
            case ArenaFigure.InUse:
                return long.CreateSaturating(Saturate(_map.InUse - cached, LiveRanges(magazines)));
            case ArenaFigure.Cached:
                return long.CreateSaturating(CachedUnits(magazines));
            case ArenaFigure.Imported:
                return long.CreateSaturating(Saturate(_map.Imported, _imports - _releases));
            case ArenaFigure.Allocations:
                return _allocations + magazines.Taken;
            case ArenaFigure.Frees:
                return _allocations + magazines.Taken - LiveRanges(magazines);
            case ArenaFigure.Failures:
                return _failures;
            case ArenaFigure.Waits:
                return _waits;
            default:
                return 0;
        }
    }
}
