using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Lending;

namespace Vmem.Space;

// Stays under the lock, and what they leave to do.
internal sealed partial class Space<T>
{
    /// <summary>Takes the lock until the visit is disposed.</summary>
    /// <param name="isOwnRelease">See <see cref="IWatcher{T}.RoomMayHaveCome"/>.</param>
    /// <exception cref="ObjectDisposedException">The arena has ended; the lock is not held.</exception>
    public Visit<T> Visit(bool isOwnRelease = false)
    {
        Enter();
        return new Visit<T>(this, isFrozen: false, isOwnRelease);
    }

    /// <summary>The same, but what is thrown when the lock has been given back is taken by <paramref name="end"/>.</summary>
    public Visit<T> Visit(ref Conclusion end, bool isOwnRelease = false)
    {
        Enter();
        return new Visit<T>(this, ref end, isFrozen: false, isOwnRelease);
    }

    /// <summary>The same, but whatever is left to do afterwards is added to <paramref name="later"/>.</summary>
    public Visit<T> Visit(ref Aftermath<T> later)
    {
        Enter();
        _aftermath = later;
        return new Visit<T>(this, ref later);
    }

    /// <summary>The same in an arena that may have ended.</summary>
    public Visit<T> VisitEvenEnded()
    {
        EnterRaw();
        return new Visit<T>(this, isFrozen: false, isOwnRelease: false);
    }

    /// <summary>The same, but whatever is left to do afterwards is added to <paramref name="later"/>.</summary>
    public Visit<T> VisitEvenEnded(ref Aftermath<T> later)
    {
        EnterRaw();
        _aftermath = later;
        return new Visit<T>(this, ref later);
    }

    /// <summary>Takes the lock with the caches that may hold something frozen.</summary>
    public Visit<T> VisitFilled(bool isOwnRelease)
    {
        EnterFrozen(evenEnded: false, isWhole: false);
        return new Visit<T>(this, isFrozen: true, isOwnRelease);
    }

    /// <summary>Takes the lock to look at the whole: what is in magazines stands still, too.</summary>
    public Visit<T> VisitFrozen(bool isOwnRelease = false, bool evenEnded = false)
    {
        EnterFrozen(evenEnded);
        return new Visit<T>(this, isFrozen: true, isOwnRelease);
    }

    /// <summary>The same, but what is thrown when the lock has been given back is taken by <paramref name="end"/>.</summary>
    public Visit<T> VisitFrozen(ref Conclusion end, bool isOwnRelease = false)
    {
        EnterFrozen(evenEnded: false);
        return new Visit<T>(this, ref end, isFrozen: true, isOwnRelease);
    }

    /// <summary>The same, but whatever is left to do afterwards is added to <paramref name="later"/>.</summary>
    public Visit<T> VisitFrozen(ref Aftermath<T> later)
    {
        EnterFrozen(evenEnded: false);
        _aftermath = later;
        return new Visit<T>(this, ref later, isFrozen: true);
    }

    /// <summary>There may be room for those who wait: they are told when the lock has been given back. The lock is held.</summary>
    /// <param name="mayImport">Whether the source may give now what it would not before.</param>
    public void NoteRoom(bool mayImport = false)
    {
        AssertHeld();
        bool isWatched = IsWatched;
        _aftermath.HasRoomCome |= isWatched;
        _aftermath.MayImport |= mayImport && isWatched;
    }

    /// <summary>The size of the request that waits and is next; 0 if there is none, or others want to know of any room. The lock is
    /// held.</summary>
    public T Needed => IsWatched ? _watcher!.Needed : T.Zero;

    /// <summary>Gives a range that a caller frees to the request that is next, if it wants just such a one. The lock is held. Not during a
    /// recall: whoever waits is told after it.</summary>
    /// <returns>False if the range is still the caller's.</returns>
    public bool TryHandOver(T start, T size)
    {
        AssertHeld();
        FitPolicy policy = default;
        bool isAny = IsWatched && !Recall.IsUnderWay && !Map.Drains(start);
        IGranted? granted = isAny ? _watcher!.HandOver(new Grant<T>(start, size), out policy) : null;
        if (granted is null)
        {
            return false;
        }

        Invariant.Assert(_aftermath.Granted is null, "one range is freed in a visit");
        if (policy == FitPolicy.NextFit && (Caches is not { } caches || size > caches.Max))
        {
            Map.NoteNext(start, size);
        }

        _aftermath.Granted = granted;
        _tally.NoteAllocation(Map.InUse);
        return true;
    }

    /// <summary>A span goes to the source when the lock has been given back. The lock is held.</summary>
    public void ReleaseLater(in Segment<T> span)
    {
        AssertHeld();
        _aftermath.Release(span);
    }

    /// <summary>Ends the lock's part of a visit. The lock is held.</summary>
    public Aftermath<T> TakeAftermath()
    {
        AssertHeld();
        Aftermath<T> aftermath = _aftermath;
        _aftermath = default;
        return aftermath;
    }

    /// <summary>Does what a visit left to do, all of it, whatever is thrown on the way. The lock is not held.</summary>
    /// <returns>How much went back to the source.</returns>
    public T Settle(in Aftermath<T> aftermath, bool isOwnRelease)
    {
        Conclusion end = default;
        T released = Settle(aftermath, isOwnRelease, ref end);
        end.Throw();
        return released;
    }

    /// <summary>The same; <paramref name="end"/> takes what is thrown.</summary>
    public T Settle(in Aftermath<T> aftermath, bool isOwnRelease, ref Conclusion end)
    {
        AssertNotHeld();
        if (aftermath.Granted is { } granted)
        {
            end.Take(granted, static granted => granted.Complete());
        }

        T released = aftermath.ReleaseSpans(Name, Source, ref end);

        // A request may have been queued after the lock was given back, and have found the source still full.
        bool tells = !Recall.IsUnderWay;          // else whoever recalls does, in the end
        if (tells && (aftermath.HasRoomCome || (aftermath.HasSpans && IsWatched)))
        {
            end.Take((_watcher!, isOwnRelease, mayImport: aftermath.MayImport || aftermath.HasSpans),
                static it => it.Item1.RoomMayHaveCome(it.isOwnRelease, it.mayImport));
        }

        if (tells && aftermath.HasRoomGone)
        {
            end.Take(_watcher!, static watcher => watcher.RoomHasGone());
        }

        return released;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Enter()
    {
        EnterRaw();
        if (_hasEnded)
        {
            ExitEnded();
        }
    }

    /// <summary>Takes the lock and makes sure that a change has all the memory it may need.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EnterForChange()
    {
        Enter();
        if (!Map.HasReserve)
        {
            ReserveOrExit();
        }
    }

    /// <summary>Takes the lock to give something back, which needs no memory: an index that cannot grow is given up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EnterToFree()
    {
        Enter();
        if (!Map.HasReserve)
        {
            Map.ReserveToFree();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EnterRaw()
    {
        if (_isShared)
        {
            _lock.Enter();
        }
    }

    /// <summary>Gives the lock back. The field's use keeps the space, and with it the native tables, alive until then.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit()
    {
        if (_isShared)
        {
            _lock.Exit();
        }

        GC.KeepAlive(this);
    }

    private void ReserveOrExit()
    {
        try
        {
            Map.Reserve();
        }
        catch
        {
            Exit();
            throw;
        }
    }

    private void EnterFrozen(bool evenEnded, bool isWhole = true)
    {
        Caches?.Freeze(isWhole);
        EnterRaw();
        if (_hasEnded && !evenEnded)
        {
            Exit();
            Caches?.Thaw();
            throw Ended();
        }
    }

    private void ExitEnded()
    {
        Exit();
        throw Ended();
    }

    private ObjectDisposedException Ended() => new(Name, $"Arena '{Name}' has been disposed.");
}
