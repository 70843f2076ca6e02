using Vmem.Caching;
using Vmem.Checks;
using Vmem.Memory.Budget;

namespace Vmem.Memory.Isolation;

/// <summary>When the memory that no client of a context holds goes back to the system: on request, when no region came or went for an
/// interval, and when memory is short. Under pressure nobody waits for an idle interval.</summary>
/// <param name="gate">The context's.</param>
/// <param name="pages">What goes back.</param>
/// <param name="arena">The context's, by which it is known what clients hold.</param>
internal sealed class ContextUpkeep(Gate gate, ContextPages pages, Arena<nuint> arena) : IMemoryKeeper
{
    private Upkeep? _upkeep;                      // made when the first memory comes back
    private bool _isAwake;
    private bool _ended;
    private long _changes;                        // regions that came and went
    private long _changesBefore;                  // by the end of the last interval

    MemoryBudget IMemoryKeeper.Budget => MemoryBudget.Default;

    nuint IMemoryKeeper.Kept
    {
        get
        {
            using (gate.EnterScope())
            {
                return _ended ? 0 : CountKept(arena.GetStatistics().InUse);
            }
        }
    }

    /// <summary>How much of what no client holds may take memory. Under the gate.</summary>
    /// <param name="held">How much clients hold.</param>
    public nuint CountKept(nuint held) => pages.Charged > held ? pages.Charged - held : 0;

    /// <summary>Gives the memory that no client holds back to the system, by small steps: others may come in between.</summary>
    public nuint DiscardFree()
    {
        nuint discarded = 0;
        int granule = 0;
        while (pages.GoesBack && granule < pages.Granules)
        {
            using (gate.EnterScope())
            {
                if (_ended)
                {
                    break;
                }

                discarded += pages.DiscardNext(ref granule);
            }
        }

        return discarded;
    }

    /// <summary>A client gets memory. Under the gate.</summary>
    public void NoteGrant() => _changes++;

    /// <summary>Memory has come back that may go on to the system. Under the gate.</summary>
    public void NoteReturn()
    {
        _changes++;
        if (_isAwake || !pages.GoesBack)
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

    /// <summary>Nothing goes back from here any more. Under the gate.</summary>
    public void Stop() => _ended = true;

    /// <summary>After <see cref="Stop"/>, and not under the gate.</summary>
    public void Dispose() => _upkeep?.Dispose();

    bool IUpkeepTarget.EndInterval()
    {
        bool isShort = MemoryBudget.Default.Pressure.IsHigh;
        using (gate.EnterScope())
        {
            bool isIdle = _changes == _changesBefore;
            _changesBefore = _changes;
            if (!isIdle && !isShort)
            {
                return true;
            }
        }

        _ = DiscardFree();
        using (gate.EnterScope())
        {
            return _isAwake = _changes != _changesBefore;
        }
    }

    void IUpkeepTarget.RelievePressure() => DiscardFree();
}
