using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Best fit under constraints: by size, and where that takes long, by room or by place, too.</summary>
/// <remarks>
/// <para>
/// Sizes upward from the request; in each size only starts from which the window can be reached. A start beyond the window skips the rest
/// of its size. If an alignment leaves no place in the first ones, the index by size that knows the room of each segment for that
/// alignment (<see cref="BySizeWithRoom{T}"/>) gives the first that is large enough: O(log n), and final where there is no window. In a
/// window up to three searches go on by turns, and the first to end decides.
/// </para>
/// <para>
/// The segments of the window in order of size: that order is in the index by size, whose subtrees know between which addresses they lie;
/// and in the index by address, whose subtrees know their smallest and largest sizes. The first is long only if many subtrees have segments
/// on both sides of the window, and none in it. The second is long only if many subtrees of the window have sizes on both sides of the
/// request. With an alignment some of these segments have no place. So those that have one are looked at as well, in address order.
/// </para>
/// <para>
/// <b>The worst case in a window is linear.</b> Without an alignment it takes all of this at once: segments on both sides of the window
/// that would do, segments of the window that are too short, between them others that are longer than any of those outside. Then both
/// indexes have every leaf visited, of which each holds some 27 segments. With an alignment it is enough that many segments of the window
/// have a place and as many smaller ones have none. If sizes and places have nothing to do with each other, one of n places is found after
/// n / places looks, so that the searches together take O(√n).
/// </para>
/// <para>
/// Rejected: the same index by room in place of the one by size in the turns, too. Its subtrees would have to know both the room and
/// between which addresses they lie, and every change of a segment would widen or narrow both.
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
        bool isAligned = IsAligned(placement, out Alignment<T> alignment);
        bool isWindow = IsWindow(placement);
        FreeIndexes<T> indexes = BeginIndexes();
        bool goesByRoom = isAligned && indexes.AlignedBySize is not null && indexes.AlignedBySize.Knows(alignment);
        (T Size, T Start) last = default;
        if (!goesByRoom)
        {
            if (!indexes.HasBySize(_tags, inSteps))
            {
                return Unfinished;
            }

            goesByRoom = isAligned && !isWindow;
            uint tag = FindBySize(indexes.BySize.Tree!, placement, goesByRoom ? BadlyPlaced : SizesLooked, out start, ref last);
            if (tag != TooMany)
            {
                return tag;
            }
        }

        if (goesByRoom)
        {
            RangeTree<T, BySizeWithRoom<T>>? rooms =
                FreeIndexes<T>.AskAligned(ref indexes.AlignedBySize, _tags, alignment, inSteps);
            int looks = isWindow ? SizesLooked : int.MaxValue;
            uint tag = rooms is null ? Unfinished : FindBySize(rooms, placement, looks, out start, ref last);
            if (tag != TooMany)
            {
                return tag;
            }
        }

        return FindBestByTurns(placement, last.Size, last.Start, out start, inSteps);
    }

    private static bool IsWindow(in Placement<T> placement) => !T.IsZero(placement.Min) || placement.Last != T.MaxValue;

    /// <summary>Best fit in the order of an index by size. What searches in that do not heed, or all have to, is passed one by
    /// one.</summary>
    /// <param name="sizes">The index.</param>
    /// <param name="placement">The request.</param>
    /// <param name="patience">How many segments are passed at most.</param>
    /// <param name="start">The place.</param>
    /// <param name="last">Where the search was when these were <see cref="TooMany"/>.</param>
    private uint FindBySize<TOrder>(
        RangeTree<T, TOrder> sizes, in Placement<T> placement, int patience, out T start, ref (T Size, T Start) last)
        where TOrder : IRangeOrder<T>
    {
        bool more = sizes.TryFindFirst(placement.Size, T.Zero, placement.Size, out RangeTree<T, TOrder>.Cursor cursor);
        for (int looks = 0; more && looks < patience;)
        {
            StepCounter.Count();
            if (TryLowest(placement, cursor.Item, cursor.Value, cursor.Value + (cursor.Key - T.One), out start))
            {
                return cursor.Item;
            }

            more = TryNextSize(sizes, placement, ref cursor, ref looks);
        }

        start = default;
        last = more ? (cursor.Key, cursor.Value) : default;
        return more ? TooMany : 0;
    }

    /// <summary>Moves to the next segment by size from which the window can be reached.</summary>
    private static bool TryNextSize<TOrder>(
        RangeTree<T, TOrder> sizes, in Placement<T> placement, ref RangeTree<T, TOrder>.Cursor cursor, ref int looks)
        where TOrder : IRangeOrder<T>
    {
        T size = cursor.Key;
        T slack = size - placement.Size;
        T from = placement.Min > slack ? placement.Min - slack : T.Zero;            // a segment below this ends too early
        bool isBelow = cursor.Value < from;
        bool isAbove = cursor.Value > placement.Last;
        looks += isBelow || isAbove ? SkipLooks : 1;
        return
            isBelow ? sizes.TryFindFirst(size, from, placement.Size, out cursor) :
            isAbove ? size != T.MaxValue && sizes.TryFindFirst(size + T.One, T.Zero, placement.Size, out cursor) :
            sizes.TryMoveNext(ref cursor, placement.Size);
    }

    /// <summary>Best fit by turns, at or after (size, at) in the order of the index by size.</summary>
    private uint FindBestByTurns(in Placement<T> placement, T size, T at, out T start, bool inSteps)
    {
        start = default;
        bool isAligned = IsAligned(placement, out Alignment<T> alignment);
        bool isWindow = IsWindow(placement);
        if (placement.Last < placement.Size - T.One || placement.HighestStart < placement.Min)
        {
            return 0;
        }

        RangeTree<T, ByKey<T>>? places = null;
        FreeIndexes<T> indexes = BeginIndexes();
        if (!indexes.HasBySize(_tags, inSteps, isWindow ? TreeExtras.Bounds : TreeExtras.None)
            || (isWindow && !indexes.HasByAddress(_tags, inSteps, TreeExtras.Bounds))
            || (isAligned && (places = FreeIndexes<T>.AskAligned(ref indexes.Aligned, _tags, alignment, inSteps)) is null))
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

    /// <summary>The place in the segment that begins before the window, if there is one; or in one that begins with it, which is as
    /// good.</summary>
    private BestPlace Around(in Placement<T> placement)
    {
        if (!T.IsZero(placement.Min)
            && _indexes!.ByAddress.Tree!.TryFindLast(placement.Min, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor around)
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
