using System.Runtime.InteropServices;
using Vmem.Caching;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem;

// What caches hold goes back to the segments: before a request fails, on request, and in the course of time.
//
// Before a request fails all caches are emptied at one moment: the magazines of all threads stand still and the lock is held while they go
// into their slabs, the slabs are dissolved, and the segments are looked at. So the answer is that of one moment, and what it costs is
// bounded by what was cached. Rejected: to empty bit by bit and to look then, as others may have put something back meanwhile; to
// repeat that until nothing comes back may take for ever beside busy threads.
public sealed partial class Arena<T>
{
    /// <summary>How many of the things that went wrong are kept. Arbitrary: the first tells most.</summary>
    private const int MostFaults = 16;

    /// <summary>Gives everything that caches hold back to the segments, and imports that are empty then to the source.</summary>
    /// <param name="released">How much went back to the source.</param>
    /// <returns>How much the caches held.</returns>
    private T EmptyCaches(out T released)
    {
        released = T.Zero;
        List<Segment<T>>? releases = null;
        T cached = T.Zero;
        if (_caches is null)
        {
            return cached;
        }

        try
        {
            cached = EnterEmptied(ref releases);
            ExitFrozen();
        }
        finally
        {
            if (releases is not null)
            {
                foreach (Segment<T> span in releases)
                {
                    released += span.Size;
                }
            }

            if (releases is not null || !T.IsZero(cached))
            {
                ReleaseAndServe(releases, echo: true);
            }
        }

        return cached;
    }

    /// <summary>The last resort of a request. False if nothing fits at a moment at which no cache holds anything.</summary>
    private bool TryClaimFromCaches(in Placement<T> placement, FitPolicy policy, bool byHandle, out T start, out RangeHandle<T> handle)
    {
        List<Segment<T>>? releases = null;
        bool emptied = false;
        try
        {
            EnterFrozen();
            try
            {
                emptied = CouldHelp(placement.Size);
                if (emptied)
                {
                    _ = Empty(ref releases);
                }

                _map.Reserve();
                return TryClaim(placement, policy, byHandle, out start, out handle);
            }
            finally
            {
                ExitFrozen();
            }
        }
        finally
        {
            if (emptied)
            {
                ReleaseAndServe(releases, echo: true);
            }
        }
    }

    /// <summary>Whether a request might fit if the caches were empty. What is too large for any span, or for all that nobody holds, is no
    /// reason to take threads' magazines from them, unless the source could make one large import of many small ones. Frozen.</summary>
    private bool CouldHelp(T size)
    {
        T cached = CachedUnits(_caches!.Count());
        T free = Saturate(_map.TotalSize - _map.InUse, _map.FreeSegments);
        return !T.IsZero(cached) && (_source is not null || (size <= _map.LargestSpan && (free >= size || cached >= size - free)));
    }

    /// <summary>Freezes the caches, takes the lock, and empties the caches. Unless it throws, it must be followed by
    /// <see cref="ExitFrozen"/>, and what it added to <paramref name="releases"/> be released.</summary>
    /// <returns>How much the caches held.</returns>
    private T EnterEmptied(ref List<Segment<T>>? releases)
    {
        EnterFrozen();
        try
        {
            return Empty(ref releases);
        }
        catch
        {
            ExitFrozen();
            ReleaseAndServe(releases, echo: true);
            releases = null;
            throw;
        }
    }

    /// <summary>Gives everything that caches hold back to the segments. Frozen.</summary>
    private T Empty(ref List<Segment<T>>? releases)
    {
        T cached = CachedUnits(_caches!.Count());
        try
        {
            for (int sizeClass = 0; sizeClass < _caches.Classes; sizeClass++)
            {
                _caches[sizeClass].Drain(_spilled[sizeClass]);
                foreach (ref Magazine<T> magazine in CollectionsMarshal.AsSpan(_spilled[sizeClass]))
                {
                    PutBelow(ref magazine, sizeClass, ref releases);
                }
            }

            Dissolve(ref releases);
            return cached;
        }
        finally
        {
            // Emptied, unless memory ran out on the way.
            for (int sizeClass = 0; sizeClass < _caches.Classes; sizeClass++)
            {
                _caches[sizeClass].PutBack(_spilled[sizeClass]);
                _spilled[sizeClass].Clear();
            }
        }
    }

    /// <summary>Empties a magazine into slabs and segments. The lock is held.</summary>
    private void PutBelow(ref Magazine<T> magazine, int sizeClass, ref List<Segment<T>>? releases)
    {
        T size = _caches!.Slabs.SizeOf(sizeClass);
        for (int rounds = magazine.Rounds; rounds > 0; rounds--)
        {
            _map.Reserve();
            T start = magazine.Items[rounds - 1];
            magazine = magazine with { Rounds = rounds - 1 };
            if (!TryPutBelow(start, size, sizeClass, recorded: false, ref releases))
            {
                NoteFault($"{size} at {start} was freed, and is not allocated: it was freed twice, or with a wrong size");
            }
        }
    }

    private void NoteFault(string fault)
    {
        lock (_faults)
        {
            if (_faults.Count < MostFaults)
            {
                _faults.Add(fault);
            }
        }
    }

    /// <summary>What follows when ranges have left the caches: imports that are empty go back, and those who wait are served. Not to be
    /// called under the lock.</summary>
    private void ReleaseAndServe(List<Segment<T>>? releases, bool echo = false)
    {
        try
        {
            ReleaseAll(releases);
        }
        finally
        {
            if (Volatile.Read(ref _followed))
            {
                RoomMayHaveCome(echo);
            }
        }
    }

    /// <summary>From now until <see cref="ResumeCaches"/> the caches hold nothing and keep nothing: every free reaches the segments. Calls
    /// nest. Not to be called under the lock.</summary>
    private void SuspendCaches()
    {
        if (_caches is null)
        {
            return;
        }

        _caches.Suspend();
        try
        {
            _ = EmptyCaches(out _);
        }
        catch (ObjectDisposedException) when (_disposed)
        {
            // Whoever waits will be told so in another place.
        }
        catch
        {
            _caches.Resume();
            throw;
        }
    }

    /// <summary>Ends one <see cref="SuspendCaches"/>.</summary>
    private void ResumeCaches() => _caches?.Resume();

    /// <inheritdoc/>
    void IUpkeepTarget.EndInterval() => Tend(static (arena, sizeClass) =>
    {
        var spilled = new List<Magazine<T>>();
        arena._caches![sizeClass].Tick(spilled);
        return spilled;
    });

    /// <inheritdoc/>
    void IUpkeepTarget.RelievePressure() => Tend(static (arena, sizeClass) =>
    {
        var spilled = new List<Magazine<T>>();
        arena._caches![sizeClass].DrainDepot(spilled);
        return spilled;
    });

    /// <summary>Empties magazines one by one, so that others get at the lock in between.</summary>
    private void PutBelow(List<Magazine<T>> magazines, int sizeClass, ref List<Segment<T>>? releases)
    {
        try
        {
            for (int i = 0; i < magazines.Count; i++)
            {
                Enter();
                try
                {
                    PutBelow(ref CollectionsMarshal.AsSpan(magazines)[i], sizeClass, ref releases);
                }
                finally
                {
                    Exit();
                }
            }
        }
        finally
        {
            _caches![sizeClass].PutBack(magazines);
        }
    }

    /// <summary>Nobody is there to be told of an error: a source that throws is reported by <see cref="Validate"/>, and an arena that has
    /// been disposed meanwhile is none.</summary>
    private void Tend(Func<Arena<T>, int, List<Magazine<T>>> collect)
    {
        try
        {
            List<Segment<T>>? releases = null;
            try
            {
                for (int sizeClass = 0; sizeClass < _caches!.Classes; sizeClass++)
                {
                    lock (_tending)
                    {
                        PutBelow(collect(this, sizeClass), sizeClass, ref releases);
                    }
                }
            }
            finally
            {
                ReleaseAndServe(releases);
            }
        }
        catch (ObjectDisposedException) when (_disposed)
        {
        }
        catch (Exception e)
        {
            NoteFault($"the upkeep of the caches failed: {e.Message}");
        }
    }
}
