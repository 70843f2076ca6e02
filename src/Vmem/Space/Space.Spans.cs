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
    public T Headroom => HeadroomOver(Map.TotalSize);

    private T HeadroomOver(T total) => T.IsZero(Limit) ? T.MaxValue : total < Limit ? Limit - total : T.Zero;

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
