using Vmem.Lending;

namespace Vmem.Space;

// Spans: those that are added and removed, and those that come from the source and go back to it.
internal sealed partial class Space<T>
{
    /// <summary>Changes whenever something goes that a request may have counted on, here or below: a span, or headroom under the
    /// limit.</summary>
    public long Removals => Volatile.Read(ref _removals) + ((Source as ILoanSource)?.Borrowers.Removals ?? 0);

    /// <summary>How many imports have gone back.</summary>
    public long Releases => _imports?.Releases ?? 0;

    /// <summary>Adds a span.</summary>
    /// <exception cref="ArgumentException">It is malformed, overlaps another, or would exceed the limit.</exception>
    public void AddSpan(T start, T size)
    {
        CheckSpan(start, size);
        using Visit<T> visit = Visit();
        if (Map.TryFindOverlap(start, start + (size - T.One), out Segment<T> other))
        {
            throw new ArgumentException($"The span of {size} at {start} overlaps the one of {other.Size} at {other.Start}.", nameof(start));
        }

        if (ExceedsLimit(size))
        {
            throw new ArgumentException($"With another {size} the arena would exceed its limit of {Limit}.", nameof(size));
        }

        _ = Attach(start, size, isImport: false);
        if (!T.IsZero(Limit) && Source is not null)
        {
            NoteRemoval();                        // an import may now be no larger than what the span leaves of the limit
        }

        NoteRoom();
    }

    /// <summary>Removes a span, unless anything of it is allocated. The lock is held.</summary>
    /// <exception cref="ArgumentException">There is no such span, or it was imported.</exception>
    public bool TryRemoveSpan(T start, T size)
    {
        AssertHeld();
        uint span = Map.FindSpan(start, out T spanStart, out T spanSize);
        if (span == 0 || spanStart != start || spanSize != size)
        {
            string found = span == 0 ? "no span holds that address" : $"the span there has {spanSize} at {spanStart}";
            throw new ArgumentException($"Arena '{Name}' has no span of {size} at {start}: {found}.", nameof(start));
        }

        if (Map.IsImported(span))
        {
            throw new ArgumentException($"The span of {size} at {start} was imported; it goes back to its source when it is free.", nameof(start));
        }

        if (!Map.IsWhollyFree(span))
        {
            return false;
        }

        Map.RemoveSpan(span);
        Recorder?.Removed(start, size);
        NoteRemoval();
        NoteRoom(mayImport: true);                // under the limit
        return true;
    }

    /// <summary>Adds a span that a snapshot describes, in a new arena. The lock is held.</summary>
    /// <returns>Its free segment's tag.</returns>
    /// <exception cref="ArgumentException">It overlaps another, or would exceed the limit.</exception>
    public uint RestoreSpan(T start, T size, bool isImport)
    {
        AssertHeld();
        if (Map.TryFindOverlap(start, start + (size - T.One), out Segment<T> other))
        {
            throw new ArgumentException($"the span of {size} at {start} overlaps the one of {other.Size} at {other.Start}.");
        }

        if (ExceedsLimit(size))
        {
            throw new ArgumentException($"its spans are more than the limit of {Limit}.");
        }

        return Attach(start, size, isImport && Source is not null);
    }

    /// <summary>Whether so much more would exceed the limit.</summary>
    public bool ExceedsLimit(T size) => size > Headroom;

    /// <summary>How much more the limit allows. A hint where the lock is not held.</summary>
    public T Headroom
    {
        get
        {
            T total = Map.TotalSize;
            return T.IsZero(Limit) ? T.MaxValue : total < Limit ? Limit - total : T.Zero;
        }
    }

    /// <summary>How much more the limit allows when all wholly free imports have gone back.</summary>
    public T HeadroomWithoutEmpty
    {
        get
        {
            using Visit<T> visit = Visit();
            T total = Map.TotalSize - (_imports?.Empty ?? T.Zero);
            return T.IsZero(Limit) ? T.MaxValue : total < Limit ? Limit - total : T.Zero;
        }
    }

    /// <summary>Adds an import to the spans, which empties <paramref name="import"/>; false if there is none, or the limit has been
    /// reached meanwhile. The lock is held.</summary>
    /// <exception cref="InvalidOperationException">The import overlaps a span.</exception>
    public bool TryAttach(ref Segment<T> import)
    {
        AssertHeld();
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

    /// <summary>Takes all wholly free imports out, to be released after the visit.</summary>
    /// <returns>How much that is; 0 if there are none.</returns>
    public T DetachEmpty()
    {
        using Visit<T> visit = Visit(isOwnRelease: true);
        if (_imports is not { EmptySpans: > 0 })
        {
            return T.Zero;
        }

        T total = T.Zero;
        bool any = false;
        while (Map.FirstEmpty is var span and not 0)
        {
            T size = Map.GetEmpty(span).Size;
            if (!TryDetach(span))
            {
                break;                            // there is no memory to note more of them: the rest stays
            }

            total += size;
            any = true;
        }

        NoteRoom();
        return any && T.IsZero(total) ? T.MaxValue : total;
    }

    /// <summary>An interval has ended: wholly free imports that nobody has needed in it and in the one before go to the source.</summary>
    /// <returns>Whether any are left.</returns>
    public bool AgeEmpty()
    {
        if (_imports is null)
        {
            return false;
        }

        using Visit<T> visit = Visit();
        for (long idle = _imports.EndInterval(); idle > 0 && TryDetach(Map.FirstEmpty); idle--)
        {
            NoteRoom();                           // under the limit
        }

        return _isAging = _imports.EmptySpans > 0;
    }

    /// <summary>Takes the wholly free imports out that are more than is to be retained. They were kept because a waiting request might have
    /// wanted them.</summary>
    /// <returns>What is to be released.</returns>
    public Aftermath<T> DetachSurplus()
    {
        Aftermath<T> surplus = default;
        if (_imports is null || HasEnded)
        {
            return surplus;
        }

        using (VisitEvenEnded(ref surplus))
        {
            while (!_hasEnded && _imports.HasSurplus && TryDetach(Map.FirstEmpty))
            {
            }
        }

        return surplus;
    }

    /// <summary>The imported spans, in address order. The lock is held.</summary>
    public List<Segment<T>> ImportedSpans(bool emptyOnly)
    {
        AssertHeld();
        List<Segment<T>> spans = [];
        uint span = Map.FindSpanFrom(T.Zero, out T start, out T size);
        while (span != 0)
        {
            if (Map.IsImported(span) && (!emptyOnly || Map.IsWhollyFree(span)))
            {
                spans.Add(new Segment<T>(start, size, SegmentKind.Span));
            }

            T last = start + (size - T.One);
            span = last == T.MaxValue ? 0 : Map.FindSpanFrom(last + T.One, out start, out size);
        }

        return spans;
    }

    /// <summary>A free segment is about to be used: if it is a whole import, that is no longer one of the empty ones. The lock is
    /// held.</summary>
    private void NoteImportUsed(uint free)
    {
        if (_imports is not null && Map.IsWholeImport(free, out uint span))
        {
            Unkeep(span);
        }
    }

    /// <summary>A segment became free: if it is a whole import and enough of those are kept already, it goes to the source after the
    /// visit. While somebody waits it is kept: it may be just what he waits for, and what he leaves is trimmed. So it is during a recall,
    /// which runs no code of others. Somebody may come to wait in the source, and find nothing kept, before it is listed there: what is
    /// kept is looked at once more. The lock is held.</summary>
    private void DetachIfEmpty(uint free)
    {
        if (_imports is null || !Map.IsWholeImport(free, out uint span))
        {
            return;
        }

        Segment<T> whole = Map.GetSegment(free);
        bool mayGo = !IsWatched && !Recall.IsUnderWay;
        if (mayGo && !_imports.Keeps(whole.Size) && TryRemove(span, whole))
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

    /// <summary>Takes out a wholly free import that is kept; false as above. The lock is held.</summary>
    private bool TryDetach(uint span)
    {
        Segment<T> import = Map.GetEmpty(span);
        if (!TryReleaseLater(import))
        {
            return false;
        }

        Unkeep(span);
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

    private void Keep(uint span)
    {
        Map.LinkEmpty(span);
        _imports!.NoteEmpty(Map.GetEmpty(span).Size);
        UpdateGoodFit();
        if (!_isAging)
        {
            _isAging = true;
            Caches?.WakeUpkeep();
        }
    }

    private void Unkeep(uint span)
    {
        Map.UnlinkEmpty(span);
        _imports!.NoteUsed(Map.GetEmpty(span).Size);
        UpdateGoodFit();
    }

    private void Remove(uint span, in Segment<T> import)
    {
        Map.RemoveSpan(span);
        Recorder?.Removed(import.Start, import.Size);
        _imports!.NoteRelease();
    }

    private uint Attach(T start, T size, bool isImport)
    {
        Map.ReserveSpan(size);
        uint free = Map.AddSpan(start, size, isImport);
        Recorder?.Added(start, size);
        if (isImport)
        {
            _imports!.NoteImport();
            _ = Map.IsWholeImport(free, out uint span);
            Keep(span);
        }

        return free;
    }

    private void NoteRemoval()
    {
        _removals++;
        _aftermath.HasRoomGone |= IsWatched;
    }

    /// <exception cref="ArgumentException">The span is empty, misaligned, or reaches past the top of the type.</exception>
    public void CheckSpan(T start, T size)
    {
        if (T.IsZero(size))
        {
            throw new ArgumentOutOfRangeException(nameof(size), size, "A span must not be empty.");
        }

        if (!T.IsZero(size & _quantumMask))
        {
            throw new ArgumentException($"The size of a span must be a multiple of the quantum {Quantum}, and {size} is not.", nameof(size));
        }

        if (!T.IsZero(start & _quantumMask))
        {
            throw new ArgumentException($"A span must start at a multiple of the quantum {Quantum}, and {start} is none.", nameof(start));
        }

        if (start + (size - T.One) < start)
        {
            throw new ArgumentException($"A span of {size} at {start} reaches past the top of {typeof(T).Name}.", nameof(size));
        }
    }
}
