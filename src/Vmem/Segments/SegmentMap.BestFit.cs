using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Best fit under constraints: by size, and where that takes long, by place, too.</summary>
/// <remarks>
/// <para>
/// Sizes upward from the request; in each size only starts from which the window can be reached. A start beyond the window skips the rest
/// of its size. If the first sizes have no place, up to three searches go on by turns, and the first to end decides.
/// </para>
/// <para>
/// The segments of the window in order of size: that order is in the index by size, whose subtrees know between which addresses they lie;
/// and in the index by address, whose subtrees know their smallest and largest sizes. The first is long only if many subtrees have segments
/// on both sides of the window, and none in it. The second is long only if many subtrees of the window have sizes on both sides of the
/// request. With an alignment some of these segments have no place. So those that have one are looked at as well, in address order.
/// </para>
/// <para>
/// <b>The worst case is linear.</b> For a window alone it takes all of this at once: segments on both sides of the window that would do,
/// segments of the window that are too short, between them others that are longer than any of those outside. Then both indexes have every
/// leaf visited, of which each holds some 27 segments. With an alignment it is enough that many segments of the window have a place and
/// as many smaller ones have none. If sizes and places have nothing to do with each other, one of n places is found after n / places
/// looks, so that the searches together take O(√n).
/// </para>
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>How many sizes are looked at before the places are, too: one that is beyond the window costs a search, not a step, and
    /// counts as <see cref="SkipLooks"/>.</summary>
    private const int SizesLooked = 8 * BadlyPlaced;

    private const int SkipLooks = 8;

    /// <summary>How many places are looked at in a turn. Arbitrary: about as many as there are nodes on the way to the next
    /// size.</summary>
    private const int PlacesATurn = 4;

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
            StepCounter.Count();
            if (TryLowest(placement, cursor.Item, cursor.Value, cursor.Value + (cursor.Key - T.One), out start))
            {
                return cursor.Item;
            }

            more = TryNextSize(placement, ref cursor, ref looks);
        }

        return more ? FindBestByTurns(placement, cursor.Key, cursor.Value, out start, inSteps) : 0;
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

    /// <summary>Best fit by turns, at or after (size, at) in the order of the index by size.</summary>
    private uint FindBestByTurns(in Placement<T> placement, T size, T at, out T start, bool inSteps)
    {
        start = default;
        bool isAligned = IsAligned(placement, out Alignment<T> alignment);
        bool isWindow = !T.IsZero(placement.Min) || placement.Last != T.MaxValue;
        if (placement.Last < placement.Size - T.One || placement.HighestStart < placement.Min)
        {
            return 0;
        }

        RangeTree<T, ByKey<T>>? places = null;
        FreeIndexes<T> indexes = BeginIndexes();
        if (!indexes.HasBySize(_tags, inSteps, isWindow ? TreeExtras.Bounds : TreeExtras.None)
            || (isWindow && !indexes.HasByAddress(_tags, inSteps, TreeExtras.Bounds))
            || (isAligned && (places = indexes.AskAligned(_tags, alignment, inSteps)) is null))
        {
            return Unfinished;
        }

        BestPlace best = Around(placement);
        RangeTree<T, ByKey<T>>.Cursor place = default;
        bool isMore = places is null || places.TryFindFirst(placement.Min, T.Zero, placement.Size, out place);
        WindowWalk<T> walk = new(indexes.BySize.Tree!, isWindow ? indexes.ByAddress.Tree : null, placement, size, at);
        while (isMore)
        {
            if (walk.TryMove())
            {
                if (walk.Tag == 0 || (best.Tag != 0 && walk.Size >= best.Size))
                {
                    break;
                }

                if (TryLowest(placement, walk.Tag, walk.Start, walk.Start + (walk.Size - T.One), out start))
                {
                    return walk.Tag;
                }
            }

            isMore = places is null || TryLookAtPlaces(places, placement, ref place, ref best);
        }

        start = best.Start;
        return best.Tag;
    }

    /// <summary>The best of the places that were looked at. There is none as long as the tag is 0.</summary>
    private readonly record struct BestPlace(uint Tag, T Size, T Start);

    /// <summary>The place in the segment that begins before the window, if there is one.</summary>
    private BestPlace Around(in Placement<T> placement)
    {
        if (!T.IsZero(placement.Min)
            && _indexes!.ByAddress.Tree!.TryFindLast(placement.Min - T.One, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor around)
            && TryLowest(placement, around.Item, around.Key, around.Key + (around.Value - T.One), out T start))
        {
            return new BestPlace(around.Item, around.Value, start);
        }

        return default;
    }

    /// <summary>A turn of looking at segments of the window that are large enough for an aligned place, in address order.</summary>
    /// <returns>False if all have been looked at.</returns>
    private bool TryLookAtPlaces(
        RangeTree<T, ByKey<T>> places, in Placement<T> placement, ref RangeTree<T, ByKey<T>>.Cursor place, ref BestPlace best)
    {
        bool isMore = true;
        for (int looks = 0; isMore && looks < PlacesATurn; looks++)
        {
            StepCounter.Count();
            if (place.Key > placement.HighestStart)
            {
                return false;
            }

            T size = SizeOf(_tags.At(place.Item));
            if ((size < best.Size || best.Tag == 0) && TryLowest(placement, place.Item, place.Key, place.Key + (size - T.One), out T start))
            {
                best = new BestPlace(place.Item, size, start);
            }

            isMore = places.TryMoveNext(ref place, placement.Size);
        }

        return isMore;
    }
}
