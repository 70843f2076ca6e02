using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Best fit under constraints: from two sides, by size and by place.</summary>
/// <remarks>
/// Sizes upward from the request; in each size only starts from which the window can be reached. A start beyond the window skips the rest
/// of its size. If the first sizes have no place, the places of the window are looked at by turns, in address order. By size the search
/// ends at the first place, so it is short where places are many; by place it ends when all have been seen. If sizes and places have
/// nothing to do with each other, one of n places is found after n / places looks, so that the two together take O(√n).
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>How many sizes are looked at before the places are, too: one that is beyond the window costs a search, not a step, and
    /// counts as <see cref="SkipLooks"/>.</summary>
    private const int SizesLooked = 8 * BadlyPlaced;

    private const int SkipLooks = 8;

    private uint FindBest(in Placement<T> placement, out T start, bool inSteps)
    {
        start = default;
        if (!BeginIndexes().HasBySize(_tags, inSteps))
        {
            return Unfinished;
        }

        bool more = _indexes!.BySize.Tree!.TryFindFirst(placement.Size, T.Zero, T.Zero, out RangeTree<T, ByKeyThenValue<T>>.Cursor cursor);
        for (int looks = 0; more && looks < SizesLooked;)
        {
            if (IsPlace(placement, cursor, out start))
            {
                return cursor.Item;
            }

            more = TryNextSize(placement, ref cursor, ref looks);
        }

        return more ? FindBestFromBothSides(placement, cursor, out start, inSteps) : 0;
    }

    private uint FindBestFromBothSides(in Placement<T> placement, RangeTree<T, ByKeyThenValue<T>>.Cursor bySize, out T start, bool inSteps)
    {
        start = default;
        if (!TryAskPlaces(placement, inSteps, out Search search))
        {
            return Unfinished;
        }

        uint best = 0;
        T least = T.MaxValue;
        T from = placement.Min;
        bool more = search.Tree.TryFindLast(from, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor byPlace)
            || search.Tree.TryFindFirst(from, T.Zero, placement.Size, out byPlace);
        for (int looks = 0; more && byPlace.Key <= placement.Last;)
        {
            if (IsPlace(placement, bySize, out T found))
            {
                start = found;
                return bySize.Item;
            }

            if (!TryNextSize(placement, ref bySize, ref looks))
            {
                break;                            // and no size had a place
            }

            T size = SizeOf(_tags.At(byPlace.Item));
            if ((size < least || best == 0) && placement.TryLowest(byPlace.Key, byPlace.Key + (size - T.One), out found))
            {
                (best, least, start) = (byPlace.Item, size, found);
            }

            more = search.Tree.TryMoveNext(ref byPlace, placement.Size);
        }

        return best;
    }

    private static bool IsPlace(in Placement<T> placement, in RangeTree<T, ByKeyThenValue<T>>.Cursor cursor, out T start)
    {
        StepCounter.Count();
        return placement.TryLowest(cursor.Value, cursor.Value + (cursor.Key - T.One), out start);
    }

    /// <summary>Moves to the next segment by size from which the window can be reached.</summary>
    private bool TryNextSize(in Placement<T> placement, ref RangeTree<T, ByKeyThenValue<T>>.Cursor cursor, ref int looks)
    {
        RangeTree<T, ByKeyThenValue<T>> index = _indexes!.BySize.Tree!;
        T size = cursor.Key;
        T slack = size - placement.Size;
        T from = placement.Min > slack ? placement.Min - slack : T.Zero;            // a segment below this ends too early
        bool isBelow = cursor.Value < from;
        bool isAbove = cursor.Value > placement.Last;
        looks += isBelow || isAbove ? SkipLooks : 1;
        return
            isBelow ? index.TryFindFirst(size, from, T.Zero, out cursor) :
            isAbove ? size != T.MaxValue && index.TryFindFirst(size + T.One, T.Zero, T.Zero, out cursor) :
            index.TryMoveNext(ref cursor, T.Zero);
    }

    /// <summary>Asks for the index that knows the places best: for the alignment, or by address.</summary>
    /// <returns>False if it is not complete.</returns>
    private bool TryAskPlaces(in Placement<T> placement, bool inSteps, out Search search)
    {
        search = default;
        if (!IsAligned(placement, out Alignment<T> alignment))
        {
            bool isThere = BeginIndexes().HasByAddress(_tags, inSteps);
            search = isThere ? new Search(_indexes!.ByAddress.Tree!, default, 0) : default;
            return isThere;
        }

        RangeTree<T, ByKey<T>>? tree = BeginIndexes().AskAligned(_tags, alignment, inSteps);
        search = tree is null ? default : new Search(tree, alignment, 0);
        return tree is not null;
    }
}
