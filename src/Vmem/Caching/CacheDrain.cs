using System.Numerics;
using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Space;

namespace Vmem.Caching;

/// <summary>What caches hold goes back to the segments: at once before a request fails, bit by bit in the course of time.</summary>
/// <remarks>
/// Before a request fails all caches are emptied at one moment. The magazines of all threads stand still and the lock is held while they go
/// into their slabs, the slabs are dissolved, and the segments are looked at. So the answer is that of one moment, and what it costs is
/// bounded by what was cached. Rejected: to empty bit by bit and to look then, as others may have put something back meanwhile; to repeat
/// that until nothing comes back may take for ever beside busy threads.
/// </remarks>
internal sealed class CacheDrain<T>(Space<T> space, RangeSlabs<T> slabs, SlabLayer<T> slabLayer, RangeMagazines<T> magazines,
    CacheWatch<T> watch)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many of the things that went wrong are kept. Arbitrary: the first tells most.</summary>
    private const int MostFaults = 16;

    private readonly List<Magazine<T>>[] _spilled = [.. magazines.All.Select(static _ => new List<Magazine<T>>())];
    private readonly Gate _faultsGate = new();
    private readonly List<string> _faults = [];   // what came out of magazines and should not have been in them

    /// <summary>Whether a request might fit if the caches were empty. What is too large for any span, or for all that nobody holds, is no
    /// reason to take threads' magazines from them, unless the source could make one large import of many small ones. Frozen.</summary>
    public bool CouldHelp(T size)
    {
        T cached = CachedUnits();
        T free = Space<T>.Saturate(space.Map.FreeSize, space.Map.FreeSegments);
        return !T.IsZero(cached) && (space.Source is not null ||
            (size <= space.Map.LargestSpan && (free >= size || cached >= size - free)));
    }

    /// <summary>What magazines and slabs hold; never 0 while they hold anything. A sum of 0 is all of the type, or nothing: slabs alone are
    /// never all of it, as one that is wholly idle is none any more. Frozen.</summary>
    private T CachedUnits()
    {
        MagazineTotals totals = magazines.Count();
        return Space<T>.Saturate((T.CreateTruncating(totals.Quanta) * space.Quantum) + slabs.Idle, totals.Ranges);
    }

    /// <summary>Throws if anything came out of a magazine that should not have been in it, or an upkeep failed.</summary>
    /// <exception cref="InvariantViolationException">Something did.</exception>
    public void Validate()
    {
        using (_faultsGate.EnterScope())
        {
            Invariant.Hold(_faults.Count == 0, "what comes back from the caches is in order", $"{string.Join("; ", _faults)}");
        }
    }

    /// <summary>Gives everything that the frozen caches hold back to the segments. Under the lock.</summary>
    /// <param name="evenIfShort">Whether slabs may stay if there is no memory for tags: nothing is to fail then.</param>
    /// <returns>How much that was.</returns>
    public T Drain(bool evenIfShort)
    {
        T cached = CachedUnits();
        try
        {
            for (int sizeClass = 0; sizeClass < magazines.Classes; sizeClass++)
            {
                if (!magazines[sizeClass].MayHold || !magazines.IsFrozen(sizeClass))
                {
                    continue;                     // another may have come to hold something since: it is not looked at
                }

                magazines[sizeClass].Drain(_spilled[sizeClass]);
                foreach (ref Magazine<T> magazine in CollectionsMarshal.AsSpan(_spilled[sizeClass]))
                {
                    ReturnToSlabs(ref magazine, sizeClass);
                }
            }

            if (!slabLayer.TryDissolve() && !evenIfShort)
            {
                throw new InsufficientMemoryException("There is no memory to divide a slab of a quantum cache.");
            }

            watch.NoteDrained();
            return cached;
        }
        finally
        {
            // Emptied, unless memory ran out on the way.
            for (int sizeClass = 0; sizeClass < magazines.Classes; sizeClass++)
            {
                magazines[sizeClass].PutBack(_spilled[sizeClass]);
                _spilled[sizeClass].Clear();
            }
        }
    }

    /// <summary>Empties a magazine into slabs and segments. The lock is held.</summary>
    private void ReturnToSlabs(ref Magazine<T> magazine, int sizeClass)
    {
        T size = slabs.SizeOf(sizeClass);
        for (int rounds = magazine.Rounds; rounds > 0; rounds--)
        {
            space.Map.ReserveToFree();
            T start = magazine.Items[rounds - 1];
            magazine = magazine with { Rounds = rounds - 1 };
            if (!slabLayer.TryReturn(start, size, sizeClass, isFree: false))
            {
                NoteFault($"{size} at {start} was freed, and is not allocated: it was freed twice, or with a wrong size");
            }
        }
    }

    private void NoteFault(string fault)
    {
        using (_faultsGate.EnterScope())
        {
            if (_faults.Count < MostFaults)
            {
                _faults.Add(fault);
            }
        }
    }

    /// <summary>Takes what is too much out of each cache. Nobody is there to be told of an error: a source that throws is reported by
    /// <see cref="Validate"/>, and an arena that has been disposed meanwhile is none.</summary>
    /// <param name="gate">The upkeep gate: nothing is on its way unseen when another thread looks at the whole.</param>
    /// <param name="collect">Takes magazines out of a cache.</param>
    public void KeepUp(Gate gate, Action<MagazineCache<T>, List<Magazine<T>>> collect) => Try(() =>
    {
        Aftermath<T> aftermath = default;
        try
        {
            for (int sizeClass = 0; sizeClass < magazines.Classes; sizeClass++)
            {
                if (!magazines[sizeClass].HoldsAnything)
                {
                    continue;
                }

                using (gate.EnterScope())
                {
                    List<Magazine<T>> spilled = [];
                    collect(magazines[sizeClass], spilled);
                    ReturnToSlabs(spilled, sizeClass, ref aftermath);
                }
            }
        }
        finally
        {
            _ = space.Settle(aftermath, isOwnRelease: false);
        }
    });

    /// <summary>Gives the empty imports back that have not been needed for long, in the same way.</summary>
    /// <returns>Whether any are left, as far as known.</returns>
    public bool AgeImports()
    {
        bool anyLeft = true;
        Try(() => anyLeft = space.AgeEmpty());
        return anyLeft && !space.HasEnded;
    }

    /// <summary>Does something that nobody has asked for: see <see cref="KeepUp"/>.</summary>
    public void Try(Action keepUp)
    {
        try
        {
            keepUp();
        }
        catch (ObjectDisposedException) when (space.HasEnded)
        {
        }
        catch (OutOfMemoryException)
        {
            // Another interval may have the memory.
        }
#pragma warning disable CA1031 // There is nobody to throw it at.
        catch (Exception e)
#pragma warning restore CA1031
        {
            NoteFault($"the upkeep of the caches failed: {e.Message}");
        }
    }

    /// <summary>Empties magazines one by one, so that others get at the lock in between.</summary>
    private void ReturnToSlabs(List<Magazine<T>> spilled, int sizeClass, ref Aftermath<T> aftermath)
    {
        try
        {
            for (int i = 0; i < spilled.Count; i++)
            {
                using Visit<T> visit = space.Visit(ref aftermath);
                ReturnToSlabs(ref CollectionsMarshal.AsSpan(spilled)[i], sizeClass);
            }
        }
        finally
        {
            magazines[sizeClass].PutBack(spilled);
        }
    }
}
