using Vmem.Caching;
using Vmem.Checks;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

// What goes back: on request, at the end of an interval, and when memory is short.
internal sealed partial class PlainHeap : IMemoryKeeper
{
    private readonly Gate _returning = new();     // held while memory goes back: what is on the way is nobody's, and the heap must not end

    public nuint Trim()
    {
        nuint trimmed = GiveBack(idleOnly: false, discard: true);
        return _small.TakeWrongFree() is { } wrongFree ? throw wrongFree : trimmed;
    }

    /// <summary>No upkeep is at work and no collector reads any more, once this returns.</summary>
    public void Stop()
    {
        _ended = true;
        _upkeep.Dispose();
        _returning.Enter();                       // who comes later finds that the heap has ended
        _returning.Exit();
    }

    bool IUpkeepTarget.EndInterval()
    {
        GiveBackUnattended(idleOnly: true);
        KeepWithinBounds();
        return true;
    }

    void IUpkeepTarget.RelievePressure() => GiveBackUnattended(idleOnly: false);

    /// <summary>Without memory to do it, what was to go back goes at the end of another interval: on the timer's thread nothing would catch
    /// the exception.</summary>
    private void GiveBackUnattended(bool idleOnly)
    {
        try
        {
            _ = GiveBack(idleOnly, discard: true);
        }
        catch (OutOfMemoryException)
        {
        }
    }

    /// <summary>If more is kept than may be, half of what may be is kept: so this is not done for every block that is freed.</summary>
    private void KeepWithinBounds()
    {
        if (_retained == nuint.MaxValue || _space.FreeDirtyBytes <= _retained)
        {
            return;
        }

        using Gate.Scope returning = _returning.EnterScope();
        nuint kept = _ended ? 0 : _space.FreeDirtyBytes;
        if (kept > _retained)
        {
            _ = _space.DiscardFree(staleOnly: false, enough: kept - (_retained / 2));
        }
    }

    /// <param name="idleOnly">Whether only that goes back which nobody needed in the last interval.</param>
    /// <param name="discard">Whether the memory of free pages goes back, too. A request that finds no pages is not served by that.</param>
    /// <returns>How many bytes were given back.</returns>
    private nuint GiveBack(bool idleOnly, bool discard)
    {
        using Gate.Scope returning = _returning.EnterScope();
        if (_ended)
        {
            return 0;
        }

        _small.GiveBack(idleOnly);
        _starter?.Trim();
        nuint discarded = discard ? _space.DiscardFree(staleOnly: idleOnly) : 0;
        if (!idleOnly || _space.IsClean)
        {
            _space.ReleaseEmpty();
        }

        return discarded;
    }
}
