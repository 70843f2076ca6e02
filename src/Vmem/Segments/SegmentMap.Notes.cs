using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Tags and kinds of live ranges, and the neighbour rule: ranges of different kinds share no page.</summary>
/// <remarks>
/// <para>
/// As the rule holds for all that is live, only the nearest range with a kind on either side of a free segment can stand in the way, and
/// only at the segment's first or last page: whoever has another kind must keep clear of that page. So a free segment is as good for a kind
/// as what is left of it. Ranges without a kind are passed over, at most a page of them.
/// </para>
/// <para>
/// The searches know nothing of kinds, and skip a segment that turns out to be too short: a step each, as for an alignment without an index
/// of its own. Rejected: an index for each kind and size. At most two pages of a segment are lost, and those who need the rule have pages
/// that are small beside their ranges.
/// </para>
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    private readonly T _kindMask;                 // a page of kinds, less 1; 0: there is no rule

    /// <summary>The notes of live ranges; null: nobody keeps any.</summary>
    public RangeNotes? Notes { get; }

    /// <summary>What is known about a range; nothing if nobody keeps anything.</summary>
    public RangeNote NoteOf(uint index) => Notes is null ? default : Notes[index];

    /// <summary>The segment is another's from now on. Needs <see cref="ReserveNotes"/> before, unless it was allocated.</summary>
    public void ForgetNote(uint index)
    {
        if (Notes is not null)
        {
            Notes[index] = default;
        }
    }

    /// <summary>A part of a range, or the range at its new place, is what the range was. Needs <see cref="ReserveNotes"/> before.</summary>
    public void CopyNote(uint from, uint to)
    {
        if (Notes is not null)
        {
            Notes[to] = Notes[from];
        }
    }

    /// <summary>Makes room for the notes of what an operation takes.</summary>
    public void ReserveNotes() => Notes?.Reserve(_tags.HighWater, TagPool<T>.MostTaken);

    /// <summary>The lowest place of a request in a free segment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryLowest(in Placement<T> placement, uint free, T first, T last, out T start)
    {
        if (placement.Kind != 0 && !TryClip(placement.Kind, free, free, ref first, ref last))
        {
            start = default;
            return false;
        }

        return placement.TryLowest(first, last, out start);
    }

    private bool TryHighest(in Placement<T> placement, uint free, T first, T last, out T start)
    {
        if (placement.Kind != 0 && !TryClip(placement.Kind, free, free, ref first, ref last))
        {
            start = default;
            return false;
        }

        return placement.TryHighest(first, last, out start);
    }

    /// <summary>Whether a range of a kind may lie at a place of a free segment.</summary>
    public bool MayLie(int kind, uint free, T start, T size)
    {
        Segment<T> segment = GetSegment(free);
        T first = segment.Start;
        T last = first + (segment.Size - T.One);
        return kind == 0 || IsAllFree
            || (TryClip(kind, free, free, ref first, ref last) && start >= first && start + (size - T.One) <= last);
    }

    /// <summary>Whether a range may grow up to a place in the free segment behind it, as far as its kind is concerned.</summary>
    private bool MayGrowTo(uint index, uint free, T last)
    {
        T first = _tags.At(free)->Start;
        return T.IsZero(_kindMask) || MayLie(KindOf(index), free, first, last - first + T.One);
    }

    /// <summary>Cuts off a free segment, or a run that would be one, what a kind must keep clear of.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="front">The first segment of the run.</param>
    /// <param name="back">The last one.</param>
    /// <param name="first">The first value of the run; afterwards of what is left of it.</param>
    /// <param name="last">The last value.</param>
    /// <param name="cutsRests">Whether what rests for a time is passed over: it would be free, too.</param>
    /// <returns>False if nothing is left.</returns>
    private bool TryClip(int kind, uint front, uint back, ref T first, ref T last, bool cutsRests = false)
    {
        T firstPage = first & ~_kindMask;
        T lastPage = last & ~_kindMask;
        bool isBelow = false;
        for (uint index = _tags.At(front)->Previous; IsInPage(index, firstPage); index = _tags.At(index)->Previous)
        {
            StepCounter.Count();
            if (KindOf(index) is not 0 and var other && !(cutsRests && _tags.At(index)->IsRestingForTime))
            {
                isBelow = other != kind;
                break;
            }
        }

        bool isAbove = false;
        for (uint index = _tags.At(back)->Next; _tags.At(index)->Kind != TagKind.Span
            && (_tags.At(index)->Start & ~_kindMask) == lastPage; index = _tags.At(index)->Next)
        {
            StepCounter.Count();
            if (KindOf(index) is not 0 and var other && !(cutsRests && _tags.At(index)->IsRestingForTime))
            {
                isAbove = other != kind;
                break;
            }
        }

        if ((isBelow || isAbove) && lastPage == firstPage)
        {
            return false;
        }

        first = isBelow ? firstPage + _kindMask + T.One : first;
        last = isAbove ? lastPage - T.One : last;
        return first <= last;
    }

    /// <summary>Whether a segment is no span's tag, and ends in this page.</summary>
    private bool IsInPage(uint index, T page)
    {
        Tag<T>* tag = _tags.At(index);
        return tag->Kind != TagKind.Span && ((_tags.At(tag->Next)->Start - T.One) & ~_kindMask) == page;
    }

    private int KindOf(uint index) => _tags.At(index)->Kind == TagKind.Allocated && !_tags.At(index)->IsDraining ? Notes![index].Kind : 0;

    /// <summary>Throws unless the rule holds in a span.</summary>
    private void ValidateKinds(uint spanIndex)
    {
        if (T.IsZero(_kindMask))
        {
            return;
        }

        int before = 0;
        T page = T.Zero;
        for (uint index = _tags.At(spanIndex)->Next; index != spanIndex; index = _tags.At(index)->Next)
        {
            if (KindOf(index) is not 0 and var kind)
            {
                T start = _tags.At(index)->Start;
                Invariant.Hold(before == 0 || before == kind || (start & ~_kindMask) != page, "ranges of different kinds share no page", $"at {start}, kind {kind} after {before}");
                before = kind;
                page = (_tags.At(_tags.At(index)->Next)->Start - T.One) & ~_kindMask;
            }
        }
    }
}
