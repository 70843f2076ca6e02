using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Where a constrained request is met, under each policy. A request fails only if no free segment has a place for it.</summary>
/// <remarks>
/// <para>
/// First, last and next fit go through the free segments of the window that are long enough, in address order, and take the first with a
/// valid place: O(log n) to get there, then one step for each segment that is long enough but badly placed. Best fit goes through the sizes
/// in order, and in each through the starts of the window only. Instant fit looks for a segment that is so long that it holds a valid place
/// wherever it lies: in the free lists, then in the window; only after that does it do what first fit does.
/// </para>
/// <para>
/// Rejected: knowing beforehand which segments hold an aligned place. It depends on align and phase; one more augmentation of the tree for
/// each power of two would make every update an update of up to 64 values.
/// </para>
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>How many free lists instant fit asks before it turns to the index by address. Arbitrary: each costs a cache miss; four miss
    /// a window of half the arena once in 16.</summary>
    private const int ListsAsked = 4;

    /// <summary>The free segment to allocate from and the address in it; 0 if there is no place.</summary>
    /// <param name="policy">Which of the possible places.</param>
    /// <param name="placement">Where it may lie.</param>
    /// <param name="start">The address.</param>
    /// <param name="inSteps">Whether the answer may be <see cref="Unfinished"/>.</param>
    public uint FindConstrained(FitPolicy policy, in Placement<T> placement, out T start, bool inSteps = false)
    {
        if (placement.IsUnconstrained)
        {
            return Find(policy, placement.Size, out start, inSteps);
        }

        if (policy == FitPolicy.InstantFit)
        {
            uint tag = FindInLists(placement, out start);
            if (tag != 0)
            {
                return tag;
            }
        }

        if (policy == FitPolicy.BestFit ? HasBySize(inSteps) : HasByAddress(inSteps))
        {
            return FindInIndex(policy, placement, out start);
        }

        start = default;
        return Unfinished;
    }

    private uint FindInIndex(FitPolicy policy, in Placement<T> placement, out T start)
    {
        switch (policy)
        {
            case FitPolicy.InstantFit:
                uint sure = 0;
                start = default;
                if (!T.IsZero(placement.Sure))
                {
                    sure = FindLowest(placement, placement.Sure, out start);
                }

                return sure != 0 ? sure : FindLowest(placement, placement.Size, out start);

            case FitPolicy.BestFit:
                return FindBest(placement, out start);

            case FitPolicy.LastFit:
                return FindHighest(placement, out start);

            case FitPolicy.NextFit:
                uint tag = FindLowest(placement.NotBelow(_rotor), placement.Size, out start);
                return tag != 0 ? tag : FindLowest(placement, placement.Size, out start);

            default:
                return FindLowest(placement, placement.Size, out start);
        }
    }

    /// <summary>Looks at the heads of the lists whose members hold a place wherever they lie, unless there is a window.</summary>
    private uint FindInLists(in Placement<T> placement, out T start)
    {
        int sizeClass = T.IsZero(placement.Sure) ? -1 : _freeLists.FindNotEmpty(SizeClass.Sure(placement.Sure >> _quantumShift));
        for (int asked = 0; asked < ListsAsked && sizeClass >= 0; asked++)
        {
            StepCounter.Count();
            uint index = _freeLists.First(sizeClass);
            Tag<T>* tag = _tags.At(index);
            if (placement.TryLowest(tag->Start, _tags.At(tag->Next)->Start - T.One, out start))
            {
                return index;
            }

            sizeClass = _freeLists.FindNotEmpty(sizeClass + 1);
        }

        start = default;
        return 0;
    }

    /// <summary>Whether there is any place, the lowest one, and how many free segments are long enough, whatever the constraints. Goes
    /// through the free lists: builds no index.</summary>
    public bool Survey(in Placement<T> placement, out T lowest, out long longEnough)
    {
        bool any = false;
        lowest = T.Zero;
        longEnough = 0;
        int sizeClass = _freeLists.FindNotEmpty(SizeClass.Of(placement.Size >> _quantumShift));
        for (; sizeClass >= 0; sizeClass = _freeLists.FindNotEmpty(sizeClass + 1))
        {
            for (uint index = _freeLists.First(sizeClass); index != 0; index = _tags.At(index)->LinkA)
            {
                Tag<T>* tag = _tags.At(index);
                T size = SizeOf(tag);
                longEnough += size >= placement.Size ? 1 : 0;
                if (placement.TryLowest(tag->Start, tag->Start + (size - T.One), out T start) && (!any || start < lowest))
                {
                    any = true;
                    lowest = start;
                }
            }
        }

        return any;
    }

    /// <summary>The lowest place in a free segment of at least this length.</summary>
    private uint FindLowest(in Placement<T> placement, T least, out T start)
    {
        RangeTree<T, ByKey<T>> index = _byAddress.Tree!;
        start = default;
        if (!T.IsZero(placement.Min) && index.TryFindLast(placement.Min, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor cursor) &&
            placement.TryLowest(cursor.Key, cursor.Key + (cursor.Value - T.One), out start))
        {
            return cursor.Item;
        }

        bool more = index.TryFindFirst(placement.Min, T.Zero, least, out cursor);
        while (more && cursor.Key <= placement.Last)
        {
            StepCounter.Count();
            if (placement.TryLowest(cursor.Key, cursor.Key + (cursor.Value - T.One), out start))
            {
                return cursor.Item;
            }

            more = index.TryMoveNext(ref cursor, least);
        }

        start = default;
        return 0;
    }

    private uint FindHighest(in Placement<T> placement, out T start)
    {
        RangeTree<T, ByKey<T>> index = _byAddress.Tree!;
        start = default;
        bool more = index.TryFindLast(placement.Last, T.MaxValue, placement.Size, out RangeTree<T, ByKey<T>>.Cursor cursor);
        while (more)
        {
            StepCounter.Count();
            T last = cursor.Key + (cursor.Value - T.One);
            if (placement.TryHighest(cursor.Key, last, out start))
            {
                return cursor.Item;
            }

            more = last >= placement.Min && index.TryMovePrevious(ref cursor, placement.Size);
        }

        start = default;
        return 0;
    }

    /// <summary>
    /// Sizes upward from the request; in each size only starts from which the window can be reached. A start beyond the window skips the
    /// rest of its size, so that the work is O(log n) for each distinct size, not for each segment of it.
    /// </summary>
    private uint FindBest(in Placement<T> placement, out T start)
    {
        RangeTree<T, ByKeyThenValue<T>> index = _bySize.Tree!;
        start = default;
        bool more = index.TryFindFirst(placement.Size, T.Zero, T.Zero, out RangeTree<T, ByKeyThenValue<T>>.Cursor cursor);
        while (more)
        {
            StepCounter.Count();
            T size = cursor.Key;
            T segment = cursor.Value;
            if (placement.TryLowest(segment, segment + (size - T.One), out start))
            {
                return cursor.Item;
            }

            T slack = size - placement.Size;
            T from = placement.Min > slack ? placement.Min - slack : T.Zero;        // a segment below this ends too early
            if (segment < from)
            {
                more = index.TryFindFirst(size, from, T.Zero, out cursor);
            }
            else if (segment > placement.Last)
            {
                more = size != T.MaxValue && index.TryFindFirst(size + T.One, T.Zero, T.Zero, out cursor);
            }
            else
            {
                more = index.TryMoveNext(ref cursor, T.Zero);
            }
        }

        start = default;
        return 0;
    }
}
