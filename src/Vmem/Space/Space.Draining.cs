using Vmem.Checks;
using Vmem.Segments;

namespace Vmem.Space;

// Spans that drain: nothing new is given from them, and each goes with its last range.
internal sealed partial class Space<T>
{
    /// <summary>Whether a span begins there that can go. The lock is held.</summary>
    public bool CanDrain(T start)
    {
        AssertHeld();
        return Map.FindSpan(start, out T spanStart, out _) != 0 && spanStart == start && !Map.IsWhole;
    }

    /// <summary>Has a span drain from now on: <see cref="TurnSpan"/> does the rest. The lock is held, and the caches are frozen and
    /// empty.</summary>
    /// <returns>False if it drains already.</returns>
    public bool TryBeginDrain(T start)
    {
        AssertHeld();
        if (Map.Drains(start))
        {
            return false;
        }

        uint span = Map.FindSpan(start, out _, out T size);
        Map.ReserveDrain();
        _withheld.SetDrains([.. _withheld.Drains, new Segment<T>(start, size, SegmentKind.Span)]);      // first: it may need memory
        if (Map.IsImported(span) && Map.IsWhollyFree(span))
        {
            Unkeep(span);
        }

        Map.SetDraining(span, drains: true);
        _sequel |= Sequel.Draining;
        NoteRemoval();
        return true;
    }

    /// <summary>Ends that: <see cref="TurnSpan"/> does the rest.</summary>
    /// <returns>False if no span begins there that drains.</returns>
    public bool TryEndDrain(T start, ref Conclusion end)
    {
        using Visit<T> visit = Visit(ref end);
        if (!CanDrain(start) || !Map.Drains(start))
        {
            return false;
        }

        Map.ReserveDrain();
        uint span = Map.FindSpan(start, out _, out _);
        Map.SetDraining(span, drains: false);
        NoteFewerDrain();
        if (Map.IsWhollyFree(span))
        {
            DetachIfEmpty(Map.Following(span));   // no step has come there: an empty import is one of those that are kept, or goes
        }

        return true;
    }

    /// <summary>Makes what is free of a span draining, or, if it drains no more, free; in steps. Under no lock.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory to make segments of a slab.</exception>
    public void TurnSpan(T start, ref Conclusion end)
    {
        var position = new SegmentMap<T>.Position { Start = start, More = true };
        for (bool isDone = false; !isDone;)
        {
            using Visit<T> visit = Visit(ref end);
            isDone = Map.TryTurn(start, ref position, out uint slab, out uint turned);
            if (slab != 0)
            {
                Caches!.CutUp(slab);
            }
            else if (turned != 0)
            {
                DetachIfEmpty(turned);
            }

            NoteRoom();
        }
    }

    /// <summary>Undoes what could not be brought to its end, if there is memory for that.</summary>
    public void GiveUpDrain(T start)
    {
        Conclusion.Undo((Space: this, start), static it =>
        {
            Conclusion nobodys = default;
            _ = it.Space.TryEndDrain(it.start, ref nobodys);
            nobodys.ThrowOwnFault();
        });
        Conclusion.Undo((Space: this, start), static it =>
        {
            Conclusion nobodys = default;
            it.Space.TurnSpan(it.start, ref nobodys);
            nobodys.ThrowOwnFault();
        });
    }
}
