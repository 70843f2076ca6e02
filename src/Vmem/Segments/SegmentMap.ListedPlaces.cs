using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Instant fit under constraints: some members of the free lists, before an index is asked.</summary>
/// <remarks>
/// A look costs a cache miss or two. An index costs every later operation some, and as long as somebody asks for it, it stays. So some
/// dozens of looks are worth it: 33 of a window of half the arena all miss once in 2^33 times, those of an eighth once in 80. One of the
/// highest list is looked at before most others, as a rest of the arena that is still whole reaches into most windows. Rejected: the
/// heads of four lists, which a window of half the arena misses once in 16 times; two hundred such requests made every later operation
/// take two or three times as long.
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>How many members of sure lists are looked at: all members are so long that they hold a place wherever they lie, unless
    /// there is a window. Arbitrary, see above; so is the next.</summary>
    private const int SureLooks = 8;

    /// <summary>How many of the other lists, too.</summary>
    private const int OtherLooks = 32;

    /// <summary>How many of a sure list: what is of one size may lie in one region. Arbitrary.</summary>
    private const int LooksAtList = 2;

    /// <summary>A place in one of the members that are looked at; 0 if none has one.</summary>
    private uint FindInLists(in Placement<T> placement, out T start)
    {
        uint index = 0;
        start = default;
        if (!T.IsZero(placement.Sure))
        {
            index = LookInLists(placement, SizeClass.Sure(UnitsOf(placement.Sure)), LooksAtList, SureLooks, out start);
        }

        return index != 0 ? index : FindInOtherLists(placement, out start);
    }

    /// <summary>A place in a segment of the highest list, or in others that are long enough for the request itself.</summary>
    private uint FindInOtherLists(in Placement<T> placement, out T start)
    {
        uint index = LookInLists(placement, _freeLists.FindHighest(), 1, 1, out start);
        return index != 0 ? index
            : LookInLists(placement, SizeClass.Sure(UnitsOf(placement.Size)), OtherLooks, OtherLooks, out start);
    }

    /// <summary>Looks at members of this list and of those above.</summary>
    /// <param name="placement">The request.</param>
    /// <param name="sizeClass">The list; −1: none.</param>
    /// <param name="most">How many members of a list are looked at.</param>
    /// <param name="looks">How many are still looked at in all.</param>
    /// <param name="start">The place.</param>
    /// <returns>The member that has one; 0 if none has.</returns>
    private uint LookInLists(in Placement<T> placement, int sizeClass, int most, int looks, out T start)
    {
        start = default;
        while (looks > 0 && sizeClass >= 0 && (sizeClass = _freeLists.FindNotEmpty(sizeClass)) >= 0)
        {
            uint index = _freeLists.First(sizeClass++);
            for (int look = 0; index != 0 && look < most && looks > 0; look++, looks--)
            {
                StepCounter.Count();
                Tag<T>* tag = _tags.At(index);
                if (tag->Start <= placement.Last && TryLowest(placement, index, tag->Start, _tags.At(tag->Next)->Start - T.One, out start))
                {
                    return index;
                }

                index = tag->LinkA;
            }
        }

        return 0;
    }
}
