using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Which search answers a request: by its policy, its constraints, and whether all is free. Nothing else decides it.</summary>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>The free segment to allocate from and the address in it; 0 if nothing fits.</summary>
    /// <param name="policy">Which of those that fit.</param>
    /// <param name="size">How long it must be.</param>
    /// <param name="start">The address.</param>
    /// <param name="inSteps">Whether the answer may be <see cref="Unfinished"/>.</param>
    public uint Find(FitPolicy policy, T size, out T start, bool inSteps)
    {
        if (IsAllFree)
        {
            return FindInAll(policy, new Placement<T>(size, default, _quantum), out start);
        }

        if (policy == FitPolicy.InstantFit)
        {
            uint tag = FindInstant(size);
            start = tag != 0 ? _tags.At(tag)->Start : default;
            Invariant.Assert(tag == 0 || (_tags.At(tag)->Kind == TagKind.Free && SizeOf(_tags.At(tag)) >= size), "what is found is free and long enough");
            return tag;
        }

        if (policy == FitPolicy.BestFit)
        {
            return FindBest(size, out start, inSteps);
        }

        if (policy is FitPolicy.OldestFit or FitPolicy.RandomFit)
        {
            return FindChosen(policy, new Placement<T>(size, default, _quantum), out start, inSteps);
        }

        if (!_indexed && !MayHold(size))
        {
            start = default;
            return 0;
        }

        if (BeginIndexes().HasByAddress(_tags, inSteps))
        {
            return FindInOrder(policy, size, out start);
        }

        start = default;
        return Unfinished;
    }

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

        if (IsAllFree)
        {
            return FindInAll(policy, placement, out start);
        }

        if (placement.IsOnePlace && placement.Kind == 0)
        {
            return FindAt(placement, out start, inSteps);
        }

        if (policy == FitPolicy.InstantFit)
        {
            uint tag = FindInLists(placement, out start);
            if (tag != 0)
            {
                return tag;
            }
        }

        if (policy is FitPolicy.OldestFit or FitPolicy.RandomFit)
        {
            return FindChosen(policy, placement, out start, inSteps);
        }

        start = default;
        return
            !_indexed && !MayHold(placement.Size) ? 0 :
            policy == FitPolicy.BestFit ? FindBest(placement, out start, inSteps) :
            FindByAddress(policy, placement, out start, inSteps);
    }

    private uint FindInOrder(FitPolicy policy, T size, out T start)
    {
        start = default;
        switch (policy)
        {
            case FitPolicy.FirstFit:
                return FindLowest(T.Zero, size, out start);

            case FitPolicy.LastFit:
                if (_indexes!.ByAddress.Tree!.TryFindLast(T.MaxValue, T.MaxValue, size, out RangeTree<T, ByKey<T>>.Cursor last))
                {
                    start = last.Key + (last.Value - size);
                    return last.Item;
                }

                return 0;

            default:
                return FindNext(size, out start);
        }
    }

    /// <summary>The oldest place, or any. No index is begun for a request that fails in any case.</summary>
    private uint FindChosen(FitPolicy policy, in Placement<T> placement, out T start, bool inSteps)
    {
        start = default;
        return !MayHold(placement.Size) ? 0
            : policy == FitPolicy.OldestFit ? FindOldest(placement, out start, inSteps)
            : FindRandom(placement, out start, inSteps);
    }

    /// <summary>Where a request is met while all is free.</summary>
    /// <param name="policy">Which place.</param>
    /// <param name="placement">The request.</param>
    /// <param name="start">The place.</param>
    private uint FindInAll(FitPolicy policy, in Placement<T> placement, out T start)
    {
        bool isFound =
            policy == FitPolicy.LastFit ? placement.TryHighest(T.Zero, T.MaxValue, out start) :
            (policy == FitPolicy.RandomFit && TryRandomInAll(placement, out start)) ||
            placement.NotBelow(FirstInAll(policy, placement)).TryLowest(T.Zero, T.MaxValue, out start) ||
            placement.TryLowest(T.Zero, T.MaxValue, out start);
        return isFound ? FirstOfAll() : 0;
    }

    /// <summary>Where the search for a place begins.</summary>
    private T FirstInAll(FitPolicy policy, in Placement<T> placement) => policy switch
    {
        FitPolicy.NextFit => NextFrom(placement),
        FitPolicy.OldestFit => OldestInAll(),
        _ => T.Zero,
    };
}
