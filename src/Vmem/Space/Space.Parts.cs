using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Resting;
using Vmem.Segments;

namespace Vmem.Space;

// Parts of a live range, a range that moves, and one that is freed without its size.
internal sealed partial class Space<T>
{
    /// <summary>Cuts a live range in two. The lock is held.</summary>
    /// <returns>False: the range is not near, see <see cref="Approach"/>.</returns>
    /// <exception cref="InvalidFreeException">There is no such range.</exception>
    public bool TrySplit(T start, T size, T at, AuditSite? site)
    {
        if (!TryFindRange(start, size, site, out uint tag))
        {
            return false;
        }

        ReserveParts(tag, start, at - start);
        Map.Enlist(Cut(tag, start, size, at, site));
        return true;
    }

    /// <summary>Frees a part of a live range; what is left before and behind it stays. The lock is held.</summary>
    /// <returns>False: the range is not near, see <see cref="Approach"/>.</returns>
    /// <exception cref="InvalidFreeException">There is no such range.</exception>
    public bool TryFreePart(T start, T size, T partStart, T partSize, RestUntil until, AuditSite? site)
    {
        if (!TryFindRange(start, size, site, out uint tag))
        {
            return false;
        }

        ReserveRests(until, 1);
        ReserveParts(tag, start, partStart - start);
        T end = partStart - start + partSize;
        if (end != size)
        {
            Map.Enlist(Cut(tag, start, size, start + end, site));
        }

        if (partStart != start)
        {
            tag = Cut(tag, start, end, partStart, site);
        }
        else
        {
            Unlist(tag);
        }

        FreeHeld(tag, until, site);
        return true;
    }

    /// <summary>Makes a live range begin elsewhere. The lock is held.</summary>
    /// <returns>False, and nothing is changed, if the place is not free, the range itself aside. Null: the range, or the place, is not
    /// near.</returns>
    /// <exception cref="InvalidFreeException">There is no such range.</exception>
    public bool? TryMove(T start, T size, T newStart, AuditSite? site)
    {
        if (!TryFindRange(start, size, site, out uint tag))
        {
            return null;
        }

        T distance = newStart > start ? newStart - start : start - newStart;
        if (!T.IsZero(distance) && Map.Drains(newStart))
        {
            return false;                         // steps may not have come there yet: see Map.TryTurn
        }

        bool overlaps = distance < size;
        uint free = overlaps ? 0 : Map.FindAt(newStart, size, inSteps: true);
        if (free == SegmentMap<T>.Unfinished)
        {
            return null;
        }

        if (T.IsZero(distance) || (overlaps ? !Map.HasRoomBeside(tag, distance, above: newStart > start) : free == 0
            || !Map.MayLie(Map.NoteOf(tag).Kind, free, newStart, size)))
        {
            return T.IsZero(distance);
        }

        Map.Reserve();
        Map.ReserveNotes();
        Auditor?.Reserve(Map.TagBound);
        RangeNote note = Map.NoteOf(tag);
        Unlist(tag);
        Recorder?.Freed(start);
        Recorder?.Allocated(newStart, size);
        Auditor<T>.Record record = default;
        Auditor?.Take(tag, out record);
        uint moved;
        if (overlaps)
        {
            uint whole = FreeTag(tag);
            Map.ReserveToFree();                  // two changes of an index, not one
            moved = Carve(whole, newStart, size);
            NoteRoom();
        }
        else
        {
            NoteImportUsed(free);
            moved = Carve(free, newStart, size);
            Map.ReserveToFree();
            FreeUnlisted(tag);
        }

        if (Map.Notes is not null)
        {
            Map.Notes[moved] = note;
        }

        Map.Enlist(moved);
        Auditor?.Put(moved, record with { Start = newStart, Resizer = site });
        return true;
    }

    /// <summary>The size of the range that begins there. The lock is held.</summary>
    /// <returns>False: it is not near, see <see cref="Approach"/>.</returns>
    /// <exception cref="InvalidFreeException">None does.</exception>
    public bool TryFindSize(T start, AuditSite? site, out T size)
    {
        AssertHeld();
        size = default;
        bool isNear = Map.FindLive(start) != 0 || Map.TryApproach(start);
        if (isNear)
        {
            size = Check.FindSize(start, site);
        }

        return isNear;
    }

    /// <summary>Everything that cutting a range in up to three parts may need. A handle stays with the first part, which may be of a cached
    /// size now.</summary>
    private void ReserveParts(uint tag, T start, T front)
    {
        Map.Reserve();
        Map.ReserveNotes();
        Auditor?.Reserve(Map.TagBound);
        if (Map.IsByHandle(tag) && !T.IsZero(front))
        {
            Caches?.NoteHandle(start, front);
        }
    }

    /// <summary>Makes two ranges of one; the second is in no table yet.</summary>
    private uint Cut(uint tag, T start, T size, T at, AuditSite? site)
    {
        uint tail = Map.Cut(tag, at - start);
        Map.CopyNote(tag, tail);
        _tally.NoteAllocation(Map.InUse);
        Recorder?.Resized(start, at - start);
        Recorder?.Allocated(at, size - (at - start));
        if (Auditor is not null)
        {
            Auditor<T>.Record record = Auditor[tag];
            Auditor.NoteResized(tag, at - start, site!);
            Auditor.Put(tail, record with { Start = at, Size = size - (at - start), Resizer = site });
        }

        return tail;
    }

    /// <summary>Takes a segment out of its table, or from its handle.</summary>
    private void Unlist(uint tag)
    {
        if (Map.IsByHandle(tag))
        {
            Map.Unbind(tag);
            return;
        }

        Segment<T> segment = Map.GetSegment(tag);
        uint delisted = Map.Delist(segment.Start, segment.Size);
        Invariant.Assert(delisted == tag, "what is found by its address is listed");
    }
}
