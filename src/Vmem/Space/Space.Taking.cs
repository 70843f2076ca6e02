using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Listing;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem.Space;

// Taking segments.
internal sealed partial class Space<T>
{
    /// <summary>Allocates a segment without constraints, by its address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(T size, FitPolicy policy, out T start)
    {
        EnterForChange();
        if (policy == FitPolicy.InstantFit && _mayTakeGoodFit)
        {
            SegmentMap<T> map = Map;              // a local: each write to a tag would have the field read again
            uint tag = map.TakeGoodFit(size, out start);
            if (tag != 0)
            {
                map.Enlist(tag);
                _tally.NoteAllocation(map.InUse);
                Exit();
                return true;
            }
        }

        bool taken = TryTakeAndExit(size, policy, RequestKind.Segment, out Grant<T> grant);
        start = grant.Start;
        return taken;
    }

    /// <summary>Allocates a segment without constraints, by a handle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(T size, FitPolicy policy, out RangeHandle<T> handle)
    {
        EnterForChange();
        if (policy == FitPolicy.InstantFit && _mayTakeGoodFit)
        {
            SegmentMap<T> map = Map;
            uint tag = map.TakeGoodFit(size, out T start);
            if (tag != 0)
            {
                handle = new RangeHandle<T>(start, size, tag, map.Bind(tag));
                _tally.NoteAllocation(map.InUse);
                Exit();
                return true;
            }
        }

        bool taken = TryTakeAndExit(size, policy, RequestKind.Handle, out Grant<T> grant);
        handle = grant.Handle;
        return taken;
    }

    /// <summary>Allocates from the segments as they are.</summary>
    public bool TryTake(in Request<T> request, out Grant<T> grant)
    {
        bool isAnswered = false;
        grant = default;
        while (!isAnswered)
        {
            using Visit<T> visit = Visit();
            isAnswered = HasAnswer(request, inSteps: true, out grant);
        }

        Sample(grant);
        return !grant.IsEmpty;
    }

    /// <summary>Writes an allocation as an event, if somebody wants to see some of them and this is one. The lock is not held.</summary>
    public void Sample(in Grant<T> grant)
    {
        if (_isSampled && !grant.IsEmpty && AllocationSamples.IsDue())
        {
            VmemEvents.Log.AllocationSampled(Name, double.CreateChecked(grant.Size), $"0x{grant.Start:x}");
        }
    }

    /// <summary>The same under the lock.</summary>
    public bool TryTakeHeld(in Request<T> request, out Grant<T> grant)
    {
        AssertHeld();
        _ = HasAnswer(request, inSteps: false, out grant);
        return !grant.IsEmpty;
    }

    /// <summary>The same, or a step towards an index that the answer needs: then others get their turn before the next.</summary>
    private bool HasAnswer(in Request<T> request, bool inSteps, out Grant<T> grant)
    {
        Map.Reserve();
        T size = request.Size;
        uint free = T.IsZero(request.Terms.Unit) ? Map.FindConstrained(request.Policy, request.Placement, out T start, inSteps)
            : FindForImport(request, inSteps, out start, out size);
        grant = free is 0 or SegmentMap<T>.Unfinished ? default : Take(free, start, size, request.Kind, request.Site);
        if (request.Note != default && !grant.IsEmpty)
        {
            Map.Notes![grant.Tag] = request.Note;
        }

        if (request.Policy == FitPolicy.NextFit && !grant.IsEmpty)
        {
            Map.NoteNext(request.Placement, start, size);
        }

        return free != SegmentMap<T>.Unfinished;
    }

    /// <summary>A place for the import of an arena above: if possible what it prefers, else the units around a place for what it needs. The
    /// lock is held.</summary>
    private uint FindForImport(in Request<T> request, bool inSteps, out T start, out T size)
    {
        uint free;
        if (request.Terms.TryPrefer(request.Placement, Quantum, out Placement<T> preferred))
        {
            size = preferred.Size;
            free = Map.FindConstrained(request.Policy, preferred, out start, inSteps);
            if (free != 0)
            {
                return free;
            }
        }

        free = Map.FindConstrained(request.Policy, request.Placement, out start, inSteps);
        (start, size) = request.Terms.Around(start, request.Size);
        bool hasUnits = !T.IsZero(size) && (Map.IsAllFree || (free is not (0 or SegmentMap<T>.Unfinished) &&
            IsWithin(Map.GetSegment(free), start, size)));       // no size says all of the type
        return free == SegmentMap<T>.Unfinished || hasUnits ? free : 0;
    }

    private static bool IsWithin(in Segment<T> free, T start, T size) =>
        start >= free.Start && start - free.Start < free.Size && size <= free.Size - (start - free.Start);

    /// <summary>The same, with an import at hand that is attached only if it is needed: what has changed while the source was asked counts
    /// first. The lock is held.</summary>
    /// <param name="request">The request.</param>
    /// <param name="import">What the source gave; empty if nothing, and afterwards if it was attached.</param>
    /// <param name="grant">What was taken.</param>
    public bool TryTakeOrAttach(in Request<T> request, ref Segment<T> import, out Grant<T> grant) =>
        TryTakeHeld(request, out grant) || (TryAttach(ref import) && TryTakeHeld(request, out grant));

    /// <summary>As many segments as fit, up to the length of <paramref name="starts"/>.</summary>
    /// <param name="request">The request for each.</param>
    /// <param name="starts">Receives them.</param>
    /// <param name="count">How many there are; right also if memory runs out on the way.</param>
    public void TakeMany(in Request<T> request, Span<T> starts, ref int count)
    {
        bool isAnswered = false;
        while (!isAnswered && count < starts.Length)
        {
            using Visit<T> visit = Visit();
            while (count < starts.Length && (isAnswered = HasAnswer(request, inSteps: true, out Grant<T> grant)) && !grant.IsEmpty)
            {
                starts[count++] = grant.Start;
            }
        }
    }

    /// <summary>Takes a given place of a free segment: what a snapshot says, or a claim. The lock is held.</summary>
    /// <returns>The tag of what follows it.</returns>
    public uint TakeAt(uint free, T start, T size, AuditSite? site, RangeNote note = default)
    {
        AssertHeld();
        Map.Reserve();
        uint tag = TakeUnlisted(free, start, size, RequestKind.Segment, site);
        if (note != default)
        {
            Map.Notes![tag] = note;
        }

        Map.Enlist(tag);
        return Map.Following(tag);
    }

    /// <summary>Whatever the good fit does not cover. The lock is held, and is given back.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryTakeAndExit(T size, FitPolicy policy, RequestKind kind, out Grant<T> grant)
    {
        bool isTaken = TakeAndExit(size, policy, kind, out grant);
        Sample(grant);
        return isTaken;
    }

    private bool TakeAndExit(T size, FitPolicy policy, RequestKind kind, out Grant<T> grant)
    {
        AuditSite? site = null;
        if (Auditor is not null)
        {
            Exit();                               // a stack is captured under no lock
            site = Auditor.Sign(kind == RequestKind.Handle ? AuditCall.AllocateHandle : AuditCall.Allocate);
            EnterForChange();                     // others may have used the reserve up
        }

        while (true)
        {
            using (new Visit<T>(this, isFrozen: false, isOwnRelease: false))
            {
                uint free = Map.Find(policy, size, out T start, inSteps: true);
                if (free != SegmentMap<T>.Unfinished)
                {
                    grant = free == 0 ? default : Take(free, start, size, kind, site);
                    if (policy == FitPolicy.NextFit && free != 0)
                    {
                        Map.NoteNext(start, size);
                    }

                    return free != 0;
                }
            }

            EnterForChange();                     // others had their turn, between two steps of building an index
        }
    }

    /// <summary>Takes a place that was found, so that it is found again. The lock is held.</summary>
    private Grant<T> Take(uint free, T start, T size, RequestKind kind, AuditSite? site)
    {
        uint tag = TakeUnlisted(free, start, size, kind, site);
        if (kind == RequestKind.Handle)
        {
            return new Grant<T>(start, size, tag, Map.Bind(tag));
        }

        Map.Enlist(tag);
        return new Grant<T>(start, size, tag);
    }

    /// <summary>Takes a place that was found, counts it, and has it recorded. The lock is held.</summary>
    private uint TakeUnlisted(uint free, T start, T size, RequestKind kind, AuditSite? site)
    {
        AssertHeld();
        Invariant.Assert(Map.HasReserve, "what is taken needs no memory");
        Auditor?.Reserve(Map.TagBound);
        Map.ReserveNotes();
        if (kind == RequestKind.Handle)
        {
            Caches?.NoteHandle(start, size);
        }

        if (!_mayTakeGoodFit)
        {
            NoteImportUsed(free);
            Recorder?.Allocated(start, size);
        }

        uint tag = Carve(free, start, size);
        Map.ForgetNote(tag);
        _tally.NoteAllocation(Map.InUse);
        Auditor?.NoteAllocated(tag, start, size, site!);
        return tag;
    }

    private uint Carve(uint free, T start, T size)
    {
        if (!Map.IsAllFree)
        {
            return Map.Carve(free, start, size);
        }

        uint tag = Map.CarveAll(start, size);
        UpdateGoodFit();
        return tag;
    }

    /// <summary>Frees a segment, or withdraws it if its span drains, and nothing follows. The lock is held.</summary>
    private uint FreeTag(uint tag)
    {
        if ((_sequel & Sequel.Draining) != 0 && Map.Drains(Map.GetSegment(tag).Start))
        {
            return Map.Withdraw(tag);
        }

        if (!Map.IsWhole || Map.LiveSegments + Map.RestingSegments > 1)
        {
            return Map.Free(tag);
        }

        uint free = Map.FreeAll(tag);
        UpdateGoodFit();
        return free;
    }
}
