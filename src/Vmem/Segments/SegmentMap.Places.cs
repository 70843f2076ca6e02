using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Given places: whether one is free, and what of a window is.</summary>
/// <remarks>
/// A place is looked up as a value is, by the milestones of earlier look-ups: no index is built for it, and nobody pays for one afterwards.
/// Rejected: the index by address, which every later change of a free segment would have to follow.
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>Whether a segment is free and holds [start, start + size).</summary>
    public bool IsFreeAt(uint index, T start, T size)
    {
        Tag<T>* tag = _tags.At(index);
        T before = start - tag->Start;
        T whole = SizeOf(tag);
        return tag->Kind == TagKind.Free && start >= tag->Start && size <= whole && before <= whole - size;
    }

    /// <summary>The free segment that holds [start, start + size).</summary>
    /// <returns>0 if there is none; <see cref="Unfinished"/> after a step towards it.</returns>
    public uint FindAt(T start, T size, bool inSteps)
    {
        if (IsAllFree)
        {
            return FirstOfAll();
        }

        if (!TryWalk(start, inSteps ? StepsAtATime : long.MaxValue, out uint index))
        {
            return Unfinished;
        }

        return index != 0 && IsFreeAt(index, start, size) ? index : 0;
    }

    /// <summary>Whether so much is free just above an allocated segment, or just below it.</summary>
    public bool HasRoomBeside(uint index, T room, bool above)
    {
        Tag<T>* tag = _tags.At(index);
        Tag<T>* beside = _tags.At(above ? tag->Next : tag->Previous);
        if (beside->Kind != TagKind.Free || SizeOf(beside) < room)
        {
            return false;
        }

        return T.IsZero(_kindMask)
            || MayLie(KindOf(index), above ? tag->Next : tag->Previous, above ? beside->Start : tag->Start - room, room);
    }

    /// <summary>The first free part of [from, last].</summary>
    /// <param name="from">From where; afterwards where it begins, or, if none was found, how far the search has come.</param>
    /// <param name="last">The last value of the window.</param>
    /// <param name="steps">How many segments may be passed; how many are left.</param>
    /// <param name="end">The last value of the part.</param>
    /// <returns>The free segment; 0 if there is no more; <see cref="Unfinished"/> if it was too far.</returns>
    public uint FindFreePart(ref T from, T last, ref long steps, out T end)
    {
        end = last;
        while (!IsAllFree)
        {
            uint span = FindSpan(from, out T start, out T size);
            if (span == 0)
            {
                span = FindSpanFrom(from, out start, out size);
                if (span == 0 || start > last)
                {
                    return 0;
                }

                from = start;
            }

            if (!TryWalk(from, steps, out uint index))
            {
                return Unfinished;
            }

            for (; index != span && from <= last; index = _tags.At(index)->Next)
            {
                StepCounter.Count();
                Tag<T>* tag = _tags.At(index);
                from = T.Max(from, tag->Start);
                if (tag->Kind == TagKind.Free && from <= last)
                {
                    end = T.Min(last, tag->Start + (SizeOf(tag) - T.One));
                    return index;
                }

                if (--steps < 0)
                {
                    return Unfinished;
                }
            }

            T endOfSpan = start + (size - T.One);
            if (endOfSpan >= last)
            {
                return 0;
            }

            from = endOfSpan + T.One;
        }

        return FirstOfAll();
    }

    /// <summary>Whether a range that somebody holds, or a span that drains, takes a part of [from, last]. False, too, if that is too far to
    /// see.</summary>
    public bool IsHeld(T from, T last)
    {
        uint span = FindSpan(from, out _, out _);
        bool isHeld = Drains(from);
        if (isHeld || span == 0 || !TryWalk(from, StepsAtATime, out uint index))
        {
            return isHeld;
        }

        for (long looks = 0; !isHeld && index != span && _tags.At(index)->Start <= last && looks < StepsAtATime; looks++)
        {
            StepCounter.Count();
            Tag<T>* tag = _tags.At(index);
            isHeld = tag->Kind == TagKind.Allocated && !tag->IsResting && SlabOf(index) == 0;
            index = tag->Next;
        }

        return isHeld;
    }

    private uint FindAt(in Placement<T> placement, out T start, bool inSteps)
    {
        start = placement.Min;
        bool isPlace = placement.TryLowest(T.Zero, T.MaxValue, out _);        // also under the alignment
        return isPlace ? FindAt(start, placement.Size, inSteps) : 0;
    }

    /// <summary>What comes first in the way of the range [from, last], which is not one free segment's.</summary>
    /// <param name="from">Its first value.</param>
    /// <param name="last">Its last value.</param>
    /// <param name="home">The span that what lies before it is in; 0: nothing does. Afterwards that of the obstacle.</param>
    /// <param name="holder">The segment that takes a part of it, or 0.</param>
    /// <param name="outside">The part that lies in no span.</param>
    /// <returns>Null after a step towards the answer.</returns>
    public FitObstacle? FindObstacle(T from, T last, ref uint home, out uint holder, out (T Start, T Size) outside)
    {
        outside = default;
        holder = 0;
        while (true)
        {
            uint span = FindSpan(from, out _, out _);
            if (span == 0)
            {
                uint next = FindSpanFrom(from, out T start, out _);
                outside = (from, next != 0 && start <= last ? start - from : last - from + T.One);
                return FitObstacle.OutsideSpans;
            }

            if (home != 0 && span != home)
            {
                return FitObstacle.Seam;
            }

            home = span;
            if (!TryWalk(from, StepsAtATime, out uint index))
            {
                return null;
            }

            Tag<T>* tag = _tags.At(index);
            if (tag->Kind != TagKind.Free)
            {
                holder = index;
                return FitObstacle.Taken;
            }

            T end = tag->Start + (SizeOf(tag) - T.One);
            if (end >= last || IsAllFree)
            {
                return FitObstacle.None;
            }

            from = end + T.One;
        }
    }
}
