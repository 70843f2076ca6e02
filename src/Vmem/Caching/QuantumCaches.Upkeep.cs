using Vmem.Checks;
using Vmem.Space;

namespace Vmem.Caching;

/// <summary>What the caches give back: all of it, to whoever asks, and what nobody has needed, at the end of each interval.</summary>
internal sealed partial class QuantumCaches<T>
{
    /// <summary>Gives everything that the caches hold back to the segments, and imports that are empty then to the source.</summary>
    /// <param name="released">How much went back to the source.</param>
    /// <param name="end">Takes what others throw.</param>
    /// <returns>How much the caches held.</returns>
    public T Drain(out T released, ref Conclusion end)
    {
        Aftermath<T> aftermath = default;
        T cached;
        try
        {
            using Visit<T> visit = _space.VisitFrozen(ref aftermath);
            cached = _drain.Drain(evenIfShort: true);
            if (_magazines.Count().Ranges == 0)
            {
                _states?.Shrink(_slabs.Count);
            }
        }
        finally
        {
            released = _space.Settle(aftermath, isOwnRelease: true, ref end);
        }

        return cached;
    }

    private T Drain()
    {
        Conclusion end = default;
        T cached = Drain(out _, ref end);
        end.Throw();
        return cached;
    }

    /// <inheritdoc/>
    bool IUpkeepTarget.EndInterval()
    {
        _watch.EndInterval();
        _drain.KeepUp(_upkeepGate, static (magazines, spilled) => magazines.Tick(spilled));
        bool isAging = _drain.AgeImports();
        if (_states?.IsSparse(_slabs.Count) == true)
        {
            _drain.Try(() => Drain());            // it drops the states, too
        }

        return isAging || _magazines.HoldAnything || _watch.IsOn;
    }

    /// <inheritdoc/>
    void IUpkeepTarget.RelievePressure() => _drain.KeepUp(_upkeepGate, static (magazines, spilled) => magazines.DrainDepot(spilled));
}
