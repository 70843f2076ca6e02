using Vmem.Diagnostics;
using Vmem.Resting;

namespace Vmem.Space;

// Freeing later. What a caller gives back rests until a time or a fence, and only then becomes free.
internal sealed partial class Space<T>
{
    /// <summary>When a rest of this length ends that begins now. Under no lock.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative.</exception>
    public RestUntil UntilAfter(TimeSpan delay) =>
        delay < TimeSpan.Zero ? throw new ArgumentOutOfRangeException(nameof(delay), delay, "A range rests for a time that is not negative; what has no known end rests for a fence: FreeAt.") :
        delay == TimeSpan.Zero ? default : BeginRests(isTimed: true).After(delay);

    /// <summary>When the rest of what is freed now ends by itself. Under no lock.</summary>
    public RestUntil UntilReuse => UntilAfter(_options.ReuseDelay);

    /// <summary>Until a fence. Under no lock.</summary>
    public RestUntil UntilFence(ulong fence)
    {
        _ = BeginRests(isTimed: false);
        return new RestUntil(fence, IsFence: true);
    }

    /// <summary>Makes a range rest that a caller holds.</summary>
    public void Rest(T start, T size, RestUntil until, AuditCall call)
    {
        AuditSite? site = Auditor?.Sign(call);
        bool isCached = Caches is not null && size <= Caches.Max;
        try
        {
            for (bool isDone = false; !isDone;)
            {
                using Visit<T> visit = isCached ? VisitFrozen() : Visit();
                isDone = TryRest(start, size, until, isCached, site);
            }
        }
        finally
        {
            SetRestTimer();                       // also if the source throws at what its slab gave up
        }
    }

    /// <summary>The same by its handle.</summary>
    public void Rest(in RangeHandle<T> handle, RestUntil until, AuditCall call)
    {
        AuditSite? site = Auditor?.Sign(call);
        if (site is not null)
        {
            Approach(handle.Start);               // should there be a story to tell
        }

        for (bool isDone = false; !isDone;)
        {
            using Visit<T> visit = Visit();
            isDone = TryRest(handle, until, site);
        }

        SetRestTimer();
    }

    /// <summary>Frees a range that was taken for a caller who does not get it: it does not rest.</summary>
    public void TakeBack(T start, T size)
    {
        if (DelaysReuse)
        {
            Rest(start, size, default, AuditCall.Release);
        }
        else
        {
            Free(start, size, AuditCall.Release);
        }
    }

    /// <summary>Makes a range rest that a snapshot says does.</summary>
    public void RestRestored(T start, T size, RestUntil until, AuditSite? site)
    {
        using Visit<T> visit = Visit();
        ReserveRests(until, 1);
        FreeHeld(Unlist(start, size, site), until, site);
    }

    private void ReserveRests(RestUntil until, int count)
    {
        if (!until.IsNow)
        {
            _rests!.QueueOf(until.IsFence).Reserve(until.At, count);
        }
    }

    private bool TryRest(T start, T size, RestUntil until, bool isCached, AuditSite? site)
    {
        ReserveRests(until, 1);
        if (isCached && !Caches!.TryMakeSegment(start, size))
        {
            throw new InsufficientMemoryException("There is no memory for a range of the quantum caches to become a segment of its own.");
        }

        uint tag = site is null ? Map.Delist(start, size) : 0;
        if (tag == 0)
        {
            if (!Map.TryApproach(start))
            {
                return false;
            }

            tag = Unlist(start, size, site);
        }

        FreeHeld(tag, until, site);
        return true;
    }

    private bool TryRest(in RangeHandle<T> handle, RestUntil until, AuditSite? site)
    {
        ReserveRests(until, 1);
        if (!Map.TryFind(handle, out uint tag))
        {
            return false;
        }

        if (tag == 0)
        {
            throw Check.ExplainHandle(handle, site);
        }

        Map.Unbind(tag);
        FreeHeld(tag, until, site);
        return true;
    }

    /// <summary>Frees a segment that is in no table any more, or makes it rest first, on a caller's behalf. The lock is held.</summary>
    private void FreeHeld(uint tag, RestUntil until, AuditSite? site)
    {
        if (IsOver(until))
        {
            Map.ReserveToFree();
            FreeHeld(tag, site);
            return;
        }

        T start = Map.GetSegment(tag).Start;
        Auditor?.NoteFreed(tag, site!);
        Recorder?.Freed(start);
        Map.BeginRest(tag, until.IsFence);
        _rests!.Add(until, start, tag);
    }

    /// <summary>Whether nothing rests until then: it has come, or somebody waits who may have the rest cut short. The lock is
    /// held.</summary>
    private bool IsOver(RestUntil until) =>
        until.IsNow || _rests!.IsOver(until) || (_options.CutRestsShort && IsWatched && !until.IsFence);
}
