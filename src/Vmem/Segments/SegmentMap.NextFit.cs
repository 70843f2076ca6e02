using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Next fit: where it goes on, and what it takes there.</summary>
/// <remarks>
/// <para>
/// What was freed is to be handed out again last. Requests for one quantum go on at the <em>rotor</em>, and nothing that is free is passed
/// over on its way. So between two allocations of the same ID every other ID that is free all the while is handed out, whatever else
/// happens.
/// </para>
/// <para>
/// Longer requests, and those with constraints, pass over what is too short or not allowed. They go on at the <em>lead</em>. That is the
/// rotor, or the end of what such a request took ahead of it, until the rotor comes by. A request whose window leaves no choice is a claim
/// of a given place, and moves neither.
/// </para>
/// <para>
/// Both are addresses: no change of the segments touches them. Rejected: one position for all. A request in a window, or a long one, left
/// free IDs behind then, and those that were freed last came back before them.
/// </para>
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>Where a request for one quantum goes on.</summary>
    public T Rotor { get; private set; }

    /// <summary>Where any other goes on.</summary>
    public T Lead { get; private set; }

    /// <summary>Next fit goes on as in another map.</summary>
    public void SetRotor(T rotor, T lead) => (Rotor, Lead) = (rotor, lead);

    /// <summary>Next fit took a place for a request.</summary>
    public void NoteNext(in Placement<T> placement, T start, T size)
    {
        if (placement.IsUnconstrained && placement.Size == size)
        {
            NoteNext(start, size);
        }
        else if (placement.Last - placement.Min != placement.Size - T.One)
        {
            Lead = start + size;
        }
    }

    /// <summary>The same for a request without constraints.</summary>
    public void NoteNext(T start, T size)
    {
        T end = start + size;
        if (IsQuantum(size))
        {
            bool isOvertaken = Lead - Rotor <= end - Rotor - T.One;        // once round is as far as it goes, not nowhere
            (Rotor, Lead) = (end, isOvertaken ? end : Lead);
        }
        else
        {
            (Rotor, Lead) = (IsAnythingFreeFromRotorTo(start) ? Rotor : end, end);
        }
    }

    /// <summary>Where a request goes on.</summary>
    private T NextFrom(in Placement<T> placement) => placement.IsUnconstrained && IsQuantum(placement.Size) ? Rotor : Lead;

    private bool IsQuantum(T size) => size == _quantum;

    /// <summary>Whether anything would be passed over. True, too, if there is no index that knows.</summary>
    private bool IsAnythingFreeFromRotorTo(T start) => start != Rotor &&
        (_indexes is not { ByAddress.IsComplete: true } ||
            (Rotor < start ? IsAnythingFree(Rotor, start - T.One)
                : IsAnythingFree(Rotor, T.MaxValue) || (!T.IsZero(start) && IsAnythingFree(T.Zero, start - T.One))));

    private bool IsAnythingFree(T first, T last) =>
        _indexes!.ByAddress.Tree!.TryFindLast(last, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor free) &&
        free.Key + (free.Value - T.One) >= first;

    /// <summary>In what is left of the free segment that the position lies in, else in the next that is long enough, else from the bottom
    /// again.</summary>
    private uint FindNext(T size, out T start)
    {
        T from = IsQuantum(size) ? Rotor : Lead;
        if (_indexes!.ByAddress.Tree!.TryFindLast(from, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor around) &&
            from - around.Key < around.Value && around.Value - (from - around.Key) >= size)
        {
            start = from;
            return around.Item;
        }

        uint tag = FindLowest(from, size, out start);
        return tag != 0 || T.IsZero(from) ? tag : FindLowest(T.Zero, size, out start);
    }
}
