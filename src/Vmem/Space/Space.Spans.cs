using Vmem.Checks;
using Vmem.Lending;
using Vmem.Ranges;

namespace Vmem.Space;

// Spans that are added and removed. Those that come from the source are in Space.Imports.
internal sealed partial class Space<T>
{
    /// <summary>Changes whenever something goes that a request may have counted on, here or below: a span, or headroom under the
    /// limit.</summary>
    public long Removals => Volatile.Read(ref _removals) + ((Source as ILoanSource)?.Borrowers.Removals ?? 0);

    /// <summary>Adds a span.</summary>
    /// <param name="start">Its first value.</param>
    /// <param name="size">Its length.</param>
    /// <param name="joinNeighbors">Whether it becomes one with the added spans that it touches.</param>
    /// <exception cref="ArgumentException">It is malformed, overlaps another, or would exceed the limit.</exception>
    public void AddSpan(T start, T size, bool joinNeighbors)
    {
        CheckSpan(start, size);
        Conclusion nobodys = default;
        using (Visit(ref nobodys))
        {
            AddHeld(start, size, joinNeighbors);
        }

        nobodys.ThrowOwnFault();
    }

    private void AddHeld(T start, T size, bool joinNeighbors)
    {
        if (Map.TryFindOverlap(start, start + (size - T.One), out Segment<T> other))
        {
            throw new ArgumentException($"The span of {size} at {start} overlaps {TextOf(other)}.", nameof(start));
        }

        if (ExceedsLimit(size))
        {
            throw new ArgumentException($"With another {size} the arena would exceed its limit of {Limit}.", nameof(size));
        }

        if (joinNeighbors && HasKinds && !T.IsZero((start | size) & (KindGranularity - T.One)))
        {
            throw new ArgumentException($"A span that is joined to others is whole pages of KindGranularity ({KindGranularity}), and {size} at {start} is not.", nameof(joinNeighbors));
        }

        if (joinNeighbors)
        {
            Map.ReserveSpan(Map.SizeWithNeighbors(start, size));
        }

        _ = Attach(start, size, isImport: false);
        if (joinNeighbors)
        {
            Join(start, size);
        }

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
        uint span = FindAdded(start, size);
        if (!Map.IsWhollyFree(span))
        {
            return false;
        }

        bool drained = Map.Drains(start);         // though no step has come there yet
        Map.RemoveSpan(span);
        if (drained)
        {
            NoteFewerDrain();
        }

        Recorder?.Removed(start, size);
        NoteRemoval();
        NoteRoom(mayImport: true);                // under the limit
        return true;
    }

    /// <summary>Makes a span longer or shorter at its end. The lock is held.</summary>
    /// <returns>False, and nothing is changed, if the span drains, what would go is not free, or what would come is another's or exceeds
    /// the limit.</returns>
    /// <exception cref="ArgumentException">There is no such span, or it was imported.</exception>
    public bool TryGrowSpan(T start, T oldSize, T newSize)
    {
        AssertHeld();
        uint span = FindAdded(start, oldSize);
        return newSize == oldSize || (!Map.Drains(start)
            && (newSize < oldSize ? TryShrink(span, start, oldSize, newSize) : TryGrow(span, start, oldSize, newSize)));
    }

    private bool TryShrink(uint span, T start, T oldSize, T newSize)
    {
        Map.ReserveToFree();
        if (!Map.TryShrinkSpan(span, start, oldSize, newSize))
        {
            return false;
        }

        Recorder?.Removed(start, oldSize);
        Recorder?.Added(start, newSize);
        NoteRemoval();
        NoteRoom(mayImport: true);                // under the limit
        return true;
    }

    private bool TryGrow(uint span, T start, T oldSize, T newSize)
    {
        T more = newSize - oldSize;
        if (ExceedsLimit(more) || Map.TryFindOverlap(start + oldSize, start + (newSize - T.One), out _))
        {
            return false;
        }

        Map.ReserveSpan(newSize);
        Map.GrowSpan(span, start, oldSize, newSize);
        Recorder?.Removed(start, oldSize);
        Recorder?.Added(start, newSize);
        if (!T.IsZero(Limit) && Source is not null)
        {
            NoteRemoval();                        // as with another span
        }

        NoteRoom();
        return true;
    }

    /// <summary>A span that was added, by its start and size.</summary>
    /// <exception cref="ArgumentException">There is no such span, or it was imported.</exception>
    private uint FindAdded(T start, T size)
    {
        uint span = Map.FindSpan(start, out T spanStart, out T spanSize);
        if (span == 0 || spanStart != start || spanSize != size || Map.IsWhole)
        {
            string found = span == 0 ? "no span holds that address" : Map.IsWhole
                ? $"it has one that holds every value of {typeof(T).Name}, which stays as it is" : $"the span there has {spanSize} at {spanStart}";
            throw new ArgumentException($"Arena '{Name}' has no span of {size} at {start}: {found}.", nameof(start));
        }

        if (Map.IsImported(span))
        {
            throw new ArgumentException($"The span of {size} at {start} was imported; it goes back to its source when it is free.", nameof(start));
        }

        return span;
    }

    /// <summary>Makes a span that was just added one with its neighbours. The lock is held.</summary>
    private void Join(T start, T size)
    {
        Map.JoinNeighbors(start, size);
        _sequel = Map.IsWhole ? _sequel | Sequel.Whole : _sequel;
        UpdateGoodFit();
        _ = Map.FindSpan(start, out T joinedStart, out T joined);
        if (Recorder is not null && joined != size)
        {
            NoteJoined(start, start + size, joinedStart, joined);
        }
    }

    /// <summary>For a recording the spans that are one now go, and the one comes.</summary>
    private void NoteJoined(T start, T end, T joinedStart, T joined)
    {
        Recorder!.Removed(start, end - start);
        if (joinedStart != start)
        {
            Recorder.Removed(joinedStart, start - joinedStart);
        }

        if (joinedStart + joined != end)
        {
            Recorder.Removed(end, joinedStart + joined - end);
        }

        Recorder.Added(joinedStart, T.IsZero(joined) ? T.MaxValue : joined);
    }

    /// <summary>Adds a span that a snapshot describes, in a new arena. The lock is held.</summary>
    /// <returns>Its free segment's tag.</returns>
    /// <exception cref="ArgumentException">It overlaps another, or would exceed the limit.</exception>
    public uint RestoreSpan(T start, T size, bool isImport)
    {
        AssertHeld();
        if (Map.TryFindOverlap(start, start + (size - T.One), out Segment<T> other))
        {
            throw new ArgumentException($"the span of {size} at {start} overlaps {TextOf(other)}.");
        }

        if (ExceedsLimit(size))
        {
            throw new ArgumentException($"its spans are more than the limit of {Limit}.");
        }

        return Attach(start, size, isImport && Source is not null);
    }

    /// <summary>Adds the span that holds every value of the type: in two halves, as no size says so. In a new arena, and under the
    /// lock.</summary>
    /// <returns>Its free segment's tag.</returns>
    /// <exception cref="ArgumentException">There is another span, or a limit.</exception>
    public uint RestoreWhole()
    {
        if (Map.TryFindOverlap(T.Zero, T.MaxValue, out Segment<T> other))
        {
            throw new ArgumentException($"the span of every value of {typeof(T).Name} overlaps {TextOf(other)}.");
        }

        T half = T.MaxValue - (T.MaxValue >> 1);
        Map.ReserveSpan(T.MaxValue);
        _ = RestoreSpan(T.Zero, half, isImport: false);
        uint free = RestoreSpan(half, half, isImport: false);
        Join(half, half);
        return free;
    }

    private string TextOf(in Segment<T> span) =>
        Map.IsWhole ? $"the one of every value of {typeof(T).Name}" : $"the one of {span.Size} at {span.Start}";

    /// <summary>Whether so much more would exceed the limit.</summary>
    public bool ExceedsLimit(T size) => size > Headroom;

    /// <summary>How much more the limit allows. A hint where the lock is not held.</summary>
    public T Headroom => HeadroomOver(Map.TotalSize);

    private T HeadroomOver(T total) => T.IsZero(Limit) ? T.MaxValue : total < Limit ? Limit - total : T.Zero;

    private uint Attach(T start, T size, bool isImport)
    {
        Map.ReserveSpan(size);
        if (_withheld.HasRevoked)
        {
            _withheld.Forget(new Segment<T>(start, size, SegmentKind.Span));
            Caches?.NoteDraining();
        }

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

        if (!Multiples<T>.Has(size, Quantum))
        {
            throw new ArgumentException($"The size of a span must be a multiple of the quantum {Quantum}, and {size} is not.", nameof(size));
        }

        if (!Multiples<T>.Has(start, Quantum))
        {
            throw new ArgumentException($"A span must start at a multiple of the quantum {Quantum}, and {start} is none.", nameof(start));
        }

        if (start + (size - T.One) < start)
        {
            throw new ArgumentException($"A span of {size} at {start} reaches past the top of {typeof(T).Name}.", nameof(size));
        }
    }
}
