using Vmem.Checks;
using Vmem.Diagnostics;

namespace Vmem.Space;

// Imports that are lost: gone at once, whatever lives in them.
internal sealed partial class Space<T>
{
    /// <summary>How many ranges are taken away under one lock: some ten microseconds. Otherwise arbitrary.</summary>
    private const int RevokedAtATime = 256;

    /// <summary>Notes that an import is lost. From now on it does not go to the source.</summary>
    /// <returns>False if there is none: then it is not added either, should it be on its way.</returns>
    /// <exception cref="ArgumentException">What is there is another span.</exception>
    public bool TryBeginRevoke(T start, T size)
    {
        CheckSpan(start, size);
        using Visit<T> visit = Visit();
        if (Source is null)
        {
            throw new ArgumentException($"Arena '{Name}' has no source: what was added is drained or removed, not revoked.", nameof(start));
        }

        if (!Map.TryFindOverlap(start, start + (size - T.One), out Segment<T> span))
        {
            _withheld.NoteEarly(new Segment<T>(start, size, SegmentKind.Span) { Tag = (ulong)Volatile.Read(ref _asks) });
            return false;
        }

        if (span.Start != start || span.Size != size || !Map.IsImported(Map.FindSpan(start, out _, out _)))
        {
            throw new ArgumentException($"Arena '{Name}' has not imported {size} at {start}: the span there has {span.Size} at {span.Start}, or was added.", nameof(start));
        }

        _withheld.NoteRevoked(span, gone => Map.FindSpan(gone.Start, out _, out _) == 0);
        return true;
    }

    /// <summary>Takes away whatever is held or rests in a span that drains and was revoked, and then the span; in steps. Under no
    /// lock.</summary>
    /// <param name="start">Where it begins.</param>
    /// <param name="lost">Receives the live ranges.</param>
    /// <param name="site">Who does it, in an audited arena.</param>
    /// <param name="end">Takes what others throw.</param>
    /// <returns>False if somebody has stopped the draining.</returns>
    public bool TryRevoke(T start, List<Segment<T>> lost, AuditSite? site, ref Conclusion end)
    {
        for (bool? isGone = null; ;)
        {
            GrowthFault.ThrowIfDue();
            _ = lost.EnsureCapacity(lost.Count + RevokedAtATime);
            using (Visit(ref end))
            {
                isGone = TryRevokeSome(start, lost, site);
            }

            if (isGone is { } known)
            {
                end.Take(this, static space => space.SetRestTimer());
                return known;
            }
        }
    }

    /// <summary>One step of that. The lock is held.</summary>
    /// <returns>True: the span is gone. False: it does not drain. Null: there may be more.</returns>
    private bool? TryRevokeSome(T start, List<Segment<T>> lost, AuditSite? site)
    {
        AssertHeld();
        _rests?.ReserveRemoval();
        Segment<T> firstRest = default;
        Segment<T> lastRest = default;
        bool? isGone = null;
        for (int count = 0; count < RevokedAtATime && isGone is null; count++)
        {
            isGone = TryRevokeOne(start, lost, site, ref firstRest, ref lastRest);
        }

        if (!T.IsZero(lastRest.Size))
        {
            _rests!.RemoveWithin(firstRest.Start, lastRest.Start - firstRest.Start + lastRest.Size);
        }

        return isGone;
    }

    private bool? TryRevokeOne(T start, List<Segment<T>> lost, AuditSite? site, ref Segment<T> firstRest, ref Segment<T> lastRest)
    {
        uint span = Map.FindSpan(start, out T spanStart, out _);
        if (span == 0 || spanStart != start || !_withheld.IsRevoked(start))
        {
            return true;                          // or another by now
        }

        uint tag = Map.FirstHeld(span);
        if (tag == 0)
        {
            Retire(span);                         // what is lost goes even in a recall
            return true;
        }

        Segment<T> segment = Map.GetSegment(tag);
        if (!Map.Drains(start) || segment.Kind == SegmentKind.Free || Map.SlabOf(tag) != 0)
        {
            return false;
        }

        if (segment.Kind == SegmentKind.Resting)
        {
            Map.EndRest(tag);
            (firstRest, lastRest) = (T.IsZero(lastRest.Size) ? segment : firstRest, segment);
        }
        else
        {
            Unlist(tag);
            Caches?.Forget(segment.Start);
            Auditor?.NoteFreed(tag, site!);
            Recorder?.Freed(segment.Start);
            lost.Add(segment);
        }

        _ = Map.Withdraw(tag);
        return null;
    }
}
