using System.Runtime.CompilerServices;
using Vmem.Diagnostics;
using Vmem.Resting;
using Vmem.Segments;

namespace Vmem.Space;

// Freeing segments. A free that cannot be right says what is wrong and changes nothing.
internal sealed partial class Space<T>
{
    /// <summary>Frees a segment by its address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(T start, T size)
    {
        EnterToFree();
        SegmentMap<T> map = Map;
        if (_sequel == Sequel.None)
        {
            uint tag = map.Delist(start, size);
            if (tag != 0)
            {
                _ = map.Free(tag);
                Exit();
                return;
            }
        }

        FreeAndExit(start, size);
    }

    /// <summary>Frees a segment by its handle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(in RangeHandle<T> handle)
    {
        EnterToFree();
        SegmentMap<T> map = Map;
        if (_sequel == Sequel.None && map.IsBound(handle))
        {
            map.Unbind(handle.Tag);
            _ = map.Free(handle.Tag);
            Exit();
            return;
        }

        FreeAndExit(handle);
    }

    /// <summary>Frees a segment by its address, by whichever call.</summary>
    public void Free(T start, T size, AuditCall call)
    {
        if (DelaysReuse)
        {
            Rest(start, size, UntilReuse, call);
            return;
        }

        if (Auditor is null)
        {
            Free(start, size);
            return;
        }

        AuditSite site = Auditor.Sign(call);
        Approach(start);
        using Visit<T> visit = Visit();
        Map.ReserveToFree();
        FreeHeld(Unlist(start, size, site), site);
    }

    /// <summary>Takes back what was granted and nobody will learn of. A waiting request may have been handed a range of a slab.</summary>
    public void TakeBack(in Grant<T> grant)
    {
        if (Caches is { } caches && grant.Size <= caches.Max)
        {
            caches.Free(grant.Start, grant.Size);
        }
        else
        {
            TakeBack(grant.Start, grant.Size);
        }
    }

    /// <summary>Frees a segment that is in no table any more, on a caller's behalf. The lock is held.</summary>
    private void FreeHeld(uint tag, AuditSite? site)
    {
        Auditor?.NoteFreed(tag, site!);
        Recorder?.Freed(Map.GetSegment(tag).Start);             // before its span goes
        FreeUnlisted(tag);
    }

    /// <summary>Frees a segment that is in no table any more, and that no caller holds. The lock is held.</summary>
    public void FreeUnlisted(uint tag)
    {
        AssertHeld();
        DetachIfEmpty(FreeTag(tag));
        NoteRoom();
    }

    /// <summary>Takes an allocated segment out of its table or from its handle, so that it can be freed. The lock is held.</summary>
    /// <exception cref="InvalidFreeException">There is no such segment, or it goes with another call.</exception>
    private uint Unlist(T start, T size, AuditSite? site)
    {
        AssertHeld();
        if (site is not null)
        {
            Check.CheckCall(start, size, site);
        }

        uint tag = Map.Delist(start, size);
        if (tag == 0)
        {
            tag = Check.Find(start, size, site);
            Map.Unbind(tag);
        }

        return tag;
    }

    /// <summary>What the plain free does not cover. The lock is held, and is given back.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeAndExit(T start, T size)
    {
        if (Auditor is not null || DelaysReuse)
        {
            Exit();
            Free(start, size, AuditCall.Free);
            return;
        }

        while (!Map.TryApproach(start))
        {
            Exit();
            EnterToFree();
        }

        using var visit = new Visit<T>(this, isFrozen: false, isOwnRelease: false);
        if (!TryHandOverSegment(start, size))
        {
            FreeHeld(Unlist(start, size, site: null), site: null);
        }
    }

    /// <summary>As <see cref="TryHandOver"/>, if the request would get just this place were the segment freed first: nothing beside it is
    /// free. The lock is held.</summary>
    private bool TryHandOverSegment(T start, T size)
    {
        if (!IsWatched || Recorder is not null)
        {
            return false;
        }

        uint tag = Map.FindLive(start);
        bool isHandedOver =
            Map.IsAllocated(tag, start, size) && Map.SlabOf(tag) == 0 && !Map.HasFreeNeighbor(tag) && TryHandOver(start, size);
        if (isHandedOver)
        {
            Map.ForgetNote(tag);                  // who has it now asked for a plain one
        }

        return isHandedOver;
    }

    /// <summary>The same by handle.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeAndExit(RangeHandle<T> handle)
    {
        if (DelaysReuse)
        {
            Exit();
            Rest(handle, UntilReuse, AuditCall.FreeHandle);
            return;
        }

        AuditSite? site = null;
        if (Auditor is not null)
        {
            Exit();
            site = Auditor.Sign(AuditCall.FreeHandle);
            Approach(handle.Start);               // should there be a story to tell
            EnterToFree();
        }

        uint tag;
        while (!Map.TryFind(handle, out tag))
        {
            Exit();
            EnterToFree();
        }

        using var visit = new Visit<T>(this, isFrozen: false, isOwnRelease: false);
        if (tag == 0)
        {
            throw Check.ExplainHandle(handle, site);
        }

        Map.Unbind(tag);
        FreeHeld(tag, site);
    }
}
