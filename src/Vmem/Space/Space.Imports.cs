using Vmem.Checks;
using Vmem.Lending;

namespace Vmem.Space;

// Spans that come from the source and go back to it, and those that go when they have drained.
internal sealed partial class Space<T>
{
    private readonly WithheldRanges<T> _withheld = new();
    private bool _mayHaveDrained;                 // a span has, and could not go yet
    private long _asks;                           // of the source

    /// <summary>Where nothing is given, or taken back: read under no lock. May say too much for a moment.</summary>
    public WithheldRanges<T> Withheld => _withheld;

    /// <summary>Whether a value lies in a span that drains, here or in the source. A hint; under any lock, or none.</summary>
    public bool MayDrain(T value) => _withheld.DrainAt(value) || DrainsBelow(value);

    /// <summary>The source is about to be asked. Under no lock.</summary>
    /// <returns>The number of the ask.</returns>
    public ulong BeginAsk() => (ulong)Interlocked.Increment(ref _asks);

    /// <summary>How many imports have gone, back or lost.</summary>
    public long Releases => (_imports?.Releases + _imports?.Revocations) ?? 0;

    /// <summary>Adds an import to the spans, which empties <paramref name="import"/>; false if there is none, or the limit has been
    /// reached meanwhile. The lock is held.</summary>
    /// <exception cref="InvalidOperationException">The import overlaps a span.</exception>
    public bool TryAttach(ref Segment<T> import)
    {
        AssertHeld();
        if (_withheld.IsEarly(import))
        {
            import = default;                     // it is not the source's to take back
            _imports!.NoteImport();
            _imports.NoteGone(isLost: true);
        }

        if (T.IsZero(import.Size) || ExceedsLimit(import.Size))
        {
            return false;
        }

        if (Map.TryFindOverlap(import.Start, import.Start + (import.Size - T.One), out Segment<T> other))
        {
            throw new InvalidOperationException($"The source of arena '{Name}' gave {import.Size} at {import.Start}, which overlaps the span of {other.Size} at {other.Start}.");
        }

        _ = Attach(import.Start, import.Size, isImport: true);
        import = default;
        return true;
    }

    /// <summary>The arena has ended: every import goes to the source that is not revoked, in address order, also when the source throws at
    /// one. Needs no memory. Under no lock.</summary>
    public void ReleaseImports(ref Conclusion end)
    {
        Segment<T> span = default;
        while (TryNextImport(ref span))
        {
            Aftermath<T> import = default;
            import.Release(span);
            _ = import.ReleaseSpans(Name, Source, ref end);
        }
    }

    /// <param name="span">The last import; empty before the first.</param>
    private bool TryNextImport(ref Segment<T> span)
    {
        using Visit<T> visit = VisitEvenEnded();
        T from = span.Start + span.Size;
        bool isMore = T.IsZero(span.Size) || !T.IsZero(from);
        while (isMore && Map.FindSpanFrom(from, out T start, out T size) is var tag and not 0)
        {
            span = new Segment<T>(start, size, SegmentKind.Span);
            if (Map.IsImported(tag) && !_withheld.IsRevoked(start))
            {
                return true;
            }

            from = start + size;
            isMore = !T.IsZero(from);
        }

        return false;
    }

    /// <summary>A free segment is about to be used: if it is a whole import, that is no longer one of the empty ones. One that drains is
    /// none already, though the steps may not have come there. The lock is held.</summary>
    private void NoteImportUsed(uint free)
    {
        if (_imports is not null && Map.IsWholeImport(free, out uint span) && !Map.Drains(Map.GetSegment(free).Start))
        {
            Unkeep(span);
        }
    }

    /// <summary>A segment became free: if it is a whole import and enough of those are kept already, it goes to the source after the
    /// visit. While somebody waits it is kept: it may be just what he waits for, and what he leaves is trimmed. So it is during a recall,
    /// which runs no code of others. Somebody may come to wait in the source, and find nothing kept, before it is listed there: what is
    /// kept is looked at once more. What drains, here or in the source, is not kept. The lock is held.</summary>
    private void DetachIfEmpty(uint free)
    {
        if ((_sequel & Sequel.Draining) != 0 && Map.IsDrained(free, out uint drained))
        {
            Retire(drained);
            return;
        }

        if (_imports is null || !Map.IsWholeImport(free, out uint span))
        {
            return;
        }

        Segment<T> whole = Map.GetSegment(free);
        bool mayGo = !IsWatched && !Recall.IsUnderWay;
        if (mayGo && (!_imports.Keeps(whole.Size) || DrainsBelow(whole.Start)) && TryRemove(span, whole))
        {
            return;
        }

        Keep(span);
        NoteRoom(mayImport: true);                // in exchange for it
        if (mayGo && _imports.HasSurplus)
        {
            _ = TryDetach(span);
        }
    }

    /// <summary>False, and nothing is changed, if there is no memory to note the release: then the span is kept.</summary>
    private bool TryRemove(uint span, in Segment<T> import)
    {
        if (!TryReleaseLater(import))
        {
            return false;
        }

        Remove(span, import);
        return true;
    }

    private bool TryReleaseLater(in Segment<T> import)
    {
        try
        {
            ReleaseLater(import);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private void Remove(uint span, in Segment<T> import)
    {
        Map.RemoveSpan(span);
        Recorder?.Removed(import.Start, import.Size);
        _imports!.NoteGone(isLost: false);
    }

    /// <summary>A span has drained: it goes. Not to a source in the middle of a recall, which runs no code of others; nor if there is no
    /// memory to note it: then it goes when something is given back next. The lock is held.</summary>
    private void Retire(uint span, bool evenInRecall = false)
    {
        Segment<T> whole = Map.GetEmpty(span);
        bool isImport = Map.IsImported(span);
        bool isLost = isImport && _withheld.IsRevoked(whole.Start);
        if (isImport && !isLost && ((!evenInRecall && Recall.IsUnderWay) || !TryReleaseLater(whole)))
        {
            _mayHaveDrained = true;
            return;
        }

        Map.RemoveDrained(span);
        Recorder?.Removed(whole.Start, whole.Size);
        if (isImport)
        {
            _imports!.NoteGone(isLost);
        }

        NoteFewerDrain();
        NoteRoom(mayImport: true);                // under the limit
    }

    /// <summary>Spans that have drained, and could not go at once, go now. The lock is held.</summary>
    /// <returns>How much that is.</returns>
    private T RetireDrained()
    {
        T before = Map.Imported;
        if (_mayHaveDrained)
        {
            _mayHaveDrained = false;
            foreach (Segment<T> drain in _withheld.Drains)
            {
                if (Map.Drains(drain.Start) && Map.IsDrained(Map.Following(Map.FindSpan(drain.Start, out _, out _)), out uint span))
                {
                    Retire(span, evenInRecall: true);
                }
            }
        }

        return before - Map.Imported;
    }

    /// <summary>Without memory for a shorter list the longer one stays: what it says too much costs time only.</summary>
    private void NoteFewerDrain()
    {
        if (Map.DrainingSpans == 0)
        {
            _sequel &= ~Sequel.Draining;
        }

        try
        {
            _withheld.SetDrains(Map.CopyDraining());
        }
        catch (OutOfMemoryException)
        {
            return;
        }

        Caches?.NoteDraining();
    }

    private bool DrainsBelow(T value) => Source is ILoanSource<T> source && source.Drains(value);
}
