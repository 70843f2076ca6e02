using Vmem.Checks;
using Vmem.Space;

namespace Vmem.Caching;

// A free that no magazine takes in, and the caches while requests wait: see CacheWatch.
internal sealed partial class QuantumCaches<T>
{
    /// <summary>Frees a range after the thread's loaded magazine had no room for it.</summary>
    public void Free(T start, T size)
    {
        Conclusion end = default;
        Free(start, size, ref end);
        end.Throw();
    }

    /// <summary>The same; <paramref name="end"/> takes what others throw when the range is free.</summary>
    public void Free(T start, T size, ref Conclusion end)
    {
        int sizeClass = ClassOf(size);
        if (_handles?.Has(start) == true)
        {
            _space.Approach(start);
        }
        else if (!_magazines[sizeClass].IsClosed || TryOpen()
            ? IsNoted(start, size, sizeClass) && _magazines.TryReturn(sizeClass, start) : _watch.MayLend && TryLend(start, size, sizeClass))
        {
            return;
        }

        using Visit<T> visit = _space.Visit(ref end);
        _watch.NoteFree();
        ReturnHeld(start, size, sizeClass);
    }

    /// <summary>A range is freed that no magazine takes in. The lock is held.</summary>
    private void ReturnHeld(T start, T size, int sizeClass)
    {
        ThrowIfCached(start, size);
        _space.Map.ReserveToFree();
        if (_watch.IsOn && _space.Recorder is null && _slabLayer.IsOut(start, size, sizeClass) && _space.TryHandOver(start, size))
        {
            _watch.NoteHandOver();
            return;
        }

        if (!_slabLayer.TryReturn(start, size, sizeClass, isFree: true))
        {
            _space.CheckFree(start, size);
        }

        if (_watch.IsOn)
        {
            _ = _slabLayer.TryDissolve();
        }

        if (_handles is not null && _space.Map.HandleSegments == 0)
        {
            _handles.Clear();
            _magazines.WatchNone();
        }
        else if (_handles?.Has(start) == true)
        {
            _handles.NoteLookUp(_space.Map, Max);
        }
    }

    /// <summary>Opens the caches if nothing has been short for a while.</summary>
    private bool TryOpen()
    {
        if (!_watch.MayEnd)
        {
            return false;
        }

        using Visit<T> visit = _space.Visit();
        if (!_watch.TryEnd())
        {
            return false;
        }

        _magazines.Open();
        return true;
    }

    /// <summary>Lends a range that is freed to the current thread, if that helps nobody who waits.</summary>
    private bool TryLend(T start, T size, int sizeClass)
    {
        MagazineCache<T> cache = _magazines[sizeClass];
        return cache.TryLend(start, (Caches: this, Cache: cache, Size: size, Class: sizeClass), static (state, start) =>
        {
            QuantumCaches<T> caches = state.Caches;
            using Visit<T> visit = caches._space.Visit();
            return caches._magazines[state.Class] == state.Cache
                && (caches._states is null || (caches._slabLayer.IsOut(start, state.Size, state.Class)
                    && caches._states.TryNote(start, state.Class, caches._slabs.Count)))
                && caches._watch.TryLend(start, state.Size) && (caches._states?.TryGive(start, state.Class) != false);
        });
    }

    /// <summary>Whether it is noted that a caller has a range; it is now if the segments say so.</summary>
    private bool IsNoted(T start, T size, int sizeClass)
    {
        if (_states is null || _states.IsWithCaller(start, sizeClass))
        {
            return true;
        }

        using Visit<T> visit = _space.Visit();
        return _slabLayer.IsOut(start, size, sizeClass) && _states.TryNote(start, sizeClass, _slabs.Count);
    }

    /// <summary>A range of a cached size is to be freed as a segment: nothing is noted of it any more.</summary>
    /// <exception cref="InvalidFreeException">It lies in a cache.</exception>
    public void ForgetFreed(T start, T size)
    {
        if (size <= Max && _states?.Knows(start) == true)
        {
            ThrowIfCached(start, size);
            using Visit<T> visit = _space.Visit();
            _states.Forget(start);
        }
    }

    /// <inheritdoc/>
    public void Forget(T start)
    {
        _space.AssertHeld();
        _states?.Forget(start);
    }

    private void ThrowIfCached(T start, T size)
    {
        if (_states?.IsCached(start) == true)
        {
            throw AlreadyCached(start, size);
        }
    }

    private InvalidFreeException AlreadyCached(T start, T size) =>
        _space.WrongFree(InvalidFreeReason.AlreadyFree, start, size, $"{start} is free: it lies in a quantum cache.");

    /// <inheritdoc/>
    public void NoteHandle(T start, T size)
    {
        _space.AssertHeld();
        if (size <= Max)
        {
            _handles ??= new HandleMarks<T>(_quantumShift);
            _handles.Add(start);
            _magazines.Watch(ClassOf(size));
        }
    }

    /// <summary>Whether requests may wait: see <see cref="CacheWatch{T}"/>. Under the lock; else a hint.</summary>
    public bool IsWatched => _watch.IsOn;

    /// <summary>Sees to it that every free reaches those who wait, until nobody has waited for a while. Under no lock.</summary>
    public void Watch()
    {
        if (_watch.IsOn)
        {
            return;
        }

        try
        {
            using Visit<T> visit = _space.VisitFrozen(isOwnRelease: true);
            if (!_watch.IsOn)
            {
                _ = _drain.Drain(evenIfShort: true);
                _magazines.Close();
                _watch.Begin();
            }
        }
        catch (ObjectDisposedException) when (_space.HasEnded)
        {
            // The requests that wait are told so in another place.
        }
    }

    /// <inheritdoc/>
    public void GiveBack()
    {
        AttendSource();
        if (MayHold)
        {
            _ = Drain();
        }
    }

    /// <summary>Sees to it, too, if somebody waits for room in the source: then nothing is kept, until a free finds that nobody does any
    /// more. Whoever comes to wait there asks those who have imports by then; who imports later calls this. Under no lock.</summary>
    public void AttendSource()
    {
        if (!_space.IsWanted)
        {
            return;
        }

        bool isOn;
        using (_space.VisitEvenEnded())           // without the lock they might be about to open
        {
            isOn = _watch.IsOn;
        }

        if (!isOn)
        {
            Watch();
        }
    }

    /// <summary>Takes everything back if anything is lent. Under no lock.</summary>
    /// <returns>False if nothing was. Else those who wait have yet to be tried.</returns>
    public bool TryTakeBackLent(ref Conclusion end)
    {
        bool hasLent = _watch.HasLent;
        Exploration.MayForget(ref hasLent, "take back what is lent");
        if (!hasLent)
        {
            return false;
        }

        Aftermath<T> aftermath = default;
        try
        {
            using Visit<T> visit = _space.VisitFrozen(ref aftermath);
            _ = _drain.Drain(evenIfShort: true);
        }
        catch (ObjectDisposedException) when (_space.HasEnded)
        {
            return false;                         // see Watch
        }
        catch (OutOfMemoryException)
        {
            // What could not be taken back stays lent. The call may be a free, or the only one that may ask the source.
        }

        _ = aftermath.ReleaseSpans(_space.Name, _space.Source, ref end);
        return true;
    }
}
