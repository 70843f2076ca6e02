using Vmem.Caching;
using Vmem.Memory.Budget;

namespace Vmem.Memory;

// What goes back to the system: on request, when no client came or went for an interval, and when memory is short.
public sealed unsafe partial class MemoryContext : IMemoryKeeper
{
    private Upkeep? _upkeep;                      // made when the first memory comes back
    private bool _isAwake;
    private long _changes;                        // regions that came and went
    private long _changesBefore;                  // by the end of the last interval

    MemoryBudget IMemoryKeeper.Budget => MemoryBudget.Default;

    nuint IMemoryKeeper.Kept => GetStatistics().Dirty;

    bool IUpkeepTarget.EndInterval()
    {
        using (_gate.EnterScope())
        {
            if (_changes != _changesBefore)
            {
                _changesBefore = _changes;
                return true;
            }
        }

        _ = DiscardFree();
        using (_gate.EnterScope())
        {
            return _isAwake = _changes != _changesBefore;
        }
    }

    void IUpkeepTarget.RelievePressure() => DiscardFree();

    /// <summary>Gives the memory that no client holds back to the system, by small steps: others may come in between.</summary>
    private nuint DiscardFree()
    {
        nuint discarded = 0;
        int granule = 0;
        while (_pages.GoesBack)
        {
            using (_gate.EnterScope())
            {
                if (_isReleased || granule >= _map.Granules.Length)
                {
                    break;
                }

                discarded += _pages.DiscardNext(ref granule);
            }
        }

        return discarded;
    }

    /// <summary>Memory has come back that may go on to the system.</summary>
    private void NoteReturn()
    {
        _changes++;
        if (_isAwake || !_pages.GoesBack)
        {
            return;
        }

        try
        {
            _upkeep ??= Upkeep.Start(this, TimeProvider.System);
            _upkeep.Wake();
            _isAwake = true;
        }
        catch (OutOfMemoryException)
        {
            // The next region that comes back tries again.
        }
    }
}
