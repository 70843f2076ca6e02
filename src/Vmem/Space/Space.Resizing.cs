using Vmem.Diagnostics;
using Vmem.Resting;

namespace Vmem.Space;

// Changing the size of a segment.
internal sealed partial class Space<T>
{
    /// <summary>Makes an allocated segment longer or shorter without moving it; what is cut off rests. The lock is held.</summary>
    /// <returns>False, and nothing is changed, if what follows is not free or too short, or if the rest needs a tag and there is no memory
    /// for one. Null: the segment is not near, see <see cref="Approach"/>.</returns>
    /// <exception cref="InvalidFreeException">There is no such segment.</exception>
    public bool? TryResize(T start, T oldSize, T newSize, RestUntil until, AuditSite? site) =>
        TryFindRange(start, oldSize, site, out uint tag) ? TryResize(tag, start, oldSize, newSize, until, site) : null;

    /// <summary>The same by handle. Null after a step towards the segment.</summary>
    /// <exception cref="InvalidFreeException">The handle holds nothing.</exception>
    public bool? TryResize(in RangeHandle<T> handle, T newSize, RestUntil until, AuditSite? site)
    {
        AssertHeld();
        if (!Map.TryFind(handle, out uint tag))
        {
            return null;
        }

        if (tag == 0)
        {
            throw Check.ExplainHandle(handle, site);
        }

        return TryResize(tag, handle.Start, Map.GetSegment(tag).Size, newSize, until, site);
    }

    /// <summary>The segment that a live range is. The lock is held.</summary>
    /// <returns>False: it is not near, see <see cref="Approach"/>.</returns>
    /// <exception cref="InvalidFreeException">There is no such range.</exception>
    private bool TryFindRange(T start, T size, AuditSite? site, out uint tag)
    {
        AssertHeld();
        tag = Map.FindLive(start);
        if (tag != 0 && Map.SlabOf(tag) == 0 && Map.GetSegment(tag).Size == size)
        {
            return true;
        }

        if (!Map.TryApproach(start))
        {
            return false;
        }

        tag = Check.Find(start, size, site);
        return true;
    }

    private bool TryResize(uint tag, T start, T oldSize, T newSize, RestUntil until, AuditSite? site)
    {
        Map.ReserveToFree();
        if (Map.IsByHandle(tag))
        {
            Caches?.NoteHandle(start, newSize);
        }

        bool done = newSize < oldSize && !IsOver(until) ? TryRestTail(tag, newSize, until)
            : Map.Drains(start) && newSize != oldSize ? newSize < oldSize && TryWithdrawTail(tag, newSize) : Map.TryResize(tag, newSize);
        _tally.NotePeak(Map.InUse);
        if (done && newSize != oldSize)
        {
            Auditor?.NoteResized(tag, newSize, site!);
            Recorder?.Resized(start, newSize);
        }

        if (done && newSize < oldSize)
        {
            NoteRoom();
        }

        return done;
    }

    private bool TryWithdrawTail(uint tag, T size)
    {
        if (!Map.TryCut(tag, size, out uint tail))
        {
            return false;
        }

        _ = Map.Withdraw(tail);
        return true;
    }

    private bool TryRestTail(uint tag, T size, RestUntil until)
    {
        try
        {
            ReserveRests(until, 1);
            Map.ReserveNotes();
        }
        catch (OutOfMemoryException)
        {
            return false;
        }

        if (!Map.TryCut(tag, size, out uint tail))
        {
            return false;
        }

        Map.CopyNote(tag, tail);
        Map.BeginRest(tail, until.IsFence);
        _rests!.Add(until, Map.GetSegment(tail).Start, tail);
        return true;
    }
}
