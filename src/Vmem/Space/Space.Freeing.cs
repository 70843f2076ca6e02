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

    /// <summary>Frees many segments of one size: all of them, or, if one of them cannot be right, none.</summary>
    /// <param name="starts">Where they start.</param>
    /// <param name="size">The size of each.</param>
    /// <param name="isTakenBack">Whether no caller has had them: then they do not rest.</param>
    public void FreeMany(ReadOnlySpan<T> starts, T size, bool isTakenBack = false)
    {
        AuditSite? site = Auditor?.Sign(AuditCall.FreeMany);
        RestUntil until = isTakenBack ? default : UntilReuse;
        while (!TryFreeMany(starts, size, until, site, out T mistake))
        {
            Approach(mistake);
        }

        SetRestTimer();
    }

    /// <summary>False, and nothing is changed, if there is a mistake, and what is there is not near.</summary>
    private bool TryFreeMany(ReadOnlySpan<T> starts, T size, RestUntil until, AuditSite? site, out T mistake)
    {
        using Visit<T> visit = Visit();
        Map.ReserveToFree();
        ReserveRests(until, starts.Length);
        foreach (T start in site is null ? [] : starts)
        {
            Check.CheckCall(start, size, site!);
        }

        if (!TryDelistAll(starts, size, site, out uint chain, out mistake))
        {
            return false;
        }

        FreeChain(chain, until, site);
        return true;
    }

    /// <summary>Frees segments that are in no table any more. The lock is held.</summary>
    private void FreeChain(uint chain, RestUntil until, AuditSite? site)
    {
        chain = until.IsNow && !Map.KeepsFreedOrder ? chain : Reverse(chain);
        while (chain != 0)
        {
            Map.ReserveToFree();
            uint tag = chain;
            chain = Map.ChainedTo(tag);
            FreeHeld(tag, until, site);
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

    /// <summary>A caller gave a range of a slab back. The lock is held.</summary>
    public void NoteRangeFreed(T start)
    {
        AssertHeld();
        Recorder?.Freed(start);
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

    /// <summary>Takes every range out of the table of live segments and chains their tags; on a mistake puts them all back, and throws if
    /// what is there is near.</summary>
    private bool TryDelistAll(ReadOnlySpan<T> starts, T size, AuditSite? site, out uint chain, out T mistake)
    {
        chain = 0;
        mistake = default;
        for (int i = 0; i < starts.Length; i++)
        {
            uint tag = Map.Delist(starts[i], size);
            if (tag == 0)
            {
                Relist(chain);
                mistake = starts[i];
                if (!Map.TryApproach(mistake))
                {
                    return false;
                }

                throw Check.ExplainBatch(starts, i, size, site);
            }

            Map.Chain(tag, chain);
            chain = tag;
        }

        return true;
    }

    /// <summary>The same chain from its other end: what was named first rests first, or was freed first.</summary>
    private uint Reverse(uint chain)
    {
        uint reversed = 0;
        while (chain != 0)
        {
            uint tag = chain;
            chain = Map.ChainedTo(tag);
            Map.Chain(tag, reversed);
            reversed = tag;
        }

        return reversed;
    }

    private void Relist(uint chain)
    {
        while (chain != 0)
        {
            uint tag = chain;
            chain = Map.ChainedTo(tag);
            Map.Enlist(tag);
        }
    }
}
