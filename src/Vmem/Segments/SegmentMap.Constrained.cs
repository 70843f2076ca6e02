using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Where a constrained request is met, under each policy. A request fails only if no free segment has a place for it.</summary>
/// <remarks>
/// <para>
/// First, last and next fit go through the free segments of the window that are long enough, in address order, and take the first with a
/// valid place: O(log n) to get there, and a step for each that is badly placed. After some such steps an index for the alignment is built
/// (<see cref="AlignedIndexes{T, TOrder}"/>), which knows where there is a place, and whether there is any.
/// </para>
/// <para>
/// Best fit goes through the sizes in order, and in each through the starts of the window only. Where that takes long, an index by size
/// that knows the alignment has the answer; in a window, several searches by turns. Instant fit looks
/// at some members of the free lists first: <c>FindInLists</c>. Only if none of them has a place, it takes the index by address: first for
/// a segment of the window that is so long that it holds a place wherever it lies, and then it does what first fit does.
/// </para>
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>How many badly placed segments a search passes before it asks for another index. Arbitrary: as much as a search in that
    /// takes.</summary>
    private const int BadlyPlaced = 32;

    /// <summary>A search has passed that many.</summary>
    private const uint TooMany = uint.MaxValue - 1;

    /// <summary>Asks the index by address, or, if that one has looked at many badly placed segments, the one that knows the
    /// alignment.</summary>
    private uint FindByAddress(FitPolicy policy, in Placement<T> placement, out T start, bool inSteps)
    {
        start = default;
        bool isAligned = IsAligned(placement, out Alignment<T> alignment);
        if (_indexes?.Aligned is null || !_indexes.Aligned.Knows(alignment))
        {
            if (!BeginIndexes().HasByAddress(_tags, inSteps))
            {
                return Unfinished;
            }

            Search search = new(_indexes!.ByAddress.Tree!, default, isAligned ? BadlyPlaced : int.MaxValue);
            uint tag = FindIn(search, policy, placement, out start);
            if (tag != TooMany)
            {
                return tag;
            }
        }

        RangeTree<T, ByKey<T>>? tree = FreeIndexes<T>.AskAligned(ref BeginIndexes().Aligned, _tags, alignment, inSteps);
        return tree is null ? Unfinished : FindIn(new Search(tree, alignment, int.MaxValue), policy, placement, out start);
    }

    /// <summary>Whether a free segment in the window may be long enough and yet have no place.</summary>
    private bool IsAligned(in Placement<T> placement, out Alignment<T> alignment)
    {
        alignment = new Alignment<T>(placement.Align - T.One, placement.Phase, placement.NoCross);
        return !Multiples<T>.Has(_quantum, placement.Align) || !T.IsZero(placement.NoCross);
    }

    /// <summary>An index by address, what it is for, and how many badly placed segments are passed at most.</summary>
    private readonly record struct Search(RangeTree<T, ByKey<T>> Tree, Alignment<T> Alignment, int Patience);

    private uint FindIn(in Search search, FitPolicy policy, in Placement<T> placement, out T start)
    {
        switch (policy)
        {
            case FitPolicy.InstantFit:
                uint sure = 0;
                start = default;
                if (!T.IsZero(placement.Sure) && search.Alignment == default)
                {
                    sure = FindLowest(search, placement, placement.Sure, out start);
                }

                return sure is not (0 or TooMany) ? sure : FindLowest(search, placement, placement.Size, out start);

            case FitPolicy.LastFit:
                return FindHighest(search, placement, out start);

            case FitPolicy.NextFit:
                uint tag = FindLowest(search, placement.NotBelow(Lead), placement.Size, out start);
                return tag != 0 ? tag : FindLowest(search, placement, placement.Size, out start);

            default:
                return FindLowest(search, placement, placement.Size, out start);
        }
    }

    /// <summary>The lowest place in a free segment of at least this length.</summary>
    private uint FindLowest(in Search search, in Placement<T> placement, T least, out T start)
    {
        RangeTree<T, ByKey<T>> index = search.Tree;
        start = default;
        if (!T.IsZero(placement.Min) && index.TryFindLast(placement.Min, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor cursor) &&
            TryLowest(placement, cursor.Item, cursor.Key, LastOf(search, cursor), out start))
        {
            return cursor.Item;
        }

        bool more = index.TryFindFirst(placement.Min, T.Zero, least, out cursor);
        for (int looks = 0; more && cursor.Key <= placement.Last; looks++)
        {
            StepCounter.Count();
            if (TryLowest(placement, cursor.Item, cursor.Key, LastOf(search, cursor), out start))
            {
                return cursor.Item;
            }

            if (looks == search.Patience)
            {
                return TooMany;
            }

            more = index.TryMoveNext(ref cursor, least);
        }

        start = default;
        return 0;
    }

    /// <summary>Where a segment ends: an index for an alignment does not know.</summary>
    private T LastOf(in Search search, in RangeTree<T, ByKey<T>>.Cursor cursor) => cursor.Key
        + ((search.Alignment == default ? cursor.Value : SizeOf(_tags.At(cursor.Item))) - T.One);

    private uint FindHighest(in Search search, in Placement<T> placement, out T start)
    {
        RangeTree<T, ByKey<T>> index = search.Tree;
        start = default;
        bool more = index.TryFindLast(placement.Last, T.MaxValue, placement.Size, out RangeTree<T, ByKey<T>>.Cursor cursor);
        for (int looks = 0; more; looks++)
        {
            StepCounter.Count();
            T last = LastOf(search, cursor);
            if (TryHighest(placement, cursor.Item, cursor.Key, last, out start))
            {
                return cursor.Item;
            }

            if (looks == search.Patience)
            {
                return TooMany;
            }

            more = last >= placement.Min && index.TryMovePrevious(ref cursor, placement.Size);
        }

        start = default;
        return 0;
    }
}
