using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Random fit: each place is as likely as any other.</summary>
/// <remarks>
/// <para>
/// A free quantum of the window is drawn by its rank among all of them. It stands for the last aligned place at or before it, if it is one
/// of the first quanta of that place: as many as the shorter of alignment and request has. So every place stands for equally many quanta,
/// all of them free, and whichever is drawn first is uniform. For one quantum every draw is a place.
/// </para>
/// <para>
/// Where places are few among much that is free, <see cref="Draws"/> draws may all fail. Then the first place behind the last draw is
/// taken, in a circle: likelier the more lies before it that is none. So a request fails only if nothing fits.
/// </para>
/// <para>Rejected: drawing an address until it is free. In an arena that is nearly full that takes hundreds of draws. Rejected: a free
/// segment at random, whose places are the likelier the shorter it is.</para>
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>How often is drawn. Where one quantum in eight stands for a place, all fail once in 70 requests. Otherwise
    /// arbitrary.</summary>
    private const int Draws = 32;

    private RandomNumbers? _numbers;

    /// <summary>The seed of what is drawn; null: nobody is to foretell it.</summary>
    public ulong? RandomSeed { get; init; }

    private RandomNumbers Numbers => _numbers ??= new RandomNumbers(RandomSeed);

    private uint FindRandom(in Placement<T> placement, out T start, bool inSteps)
    {
        start = default;
        if (placement.Last < placement.Size - T.One || placement.HighestStart < placement.Min)
        {
            return 0;
        }

        if (!BeginIndexes().HasByAddress(_tags, inSteps, TreeExtras.Sums))
        {
            return Unfinished;
        }

        RangeTree<T, ByKey<T>> tree = _indexes!.ByAddress.Tree!;
        T from = RankOf(tree, placement.Min);
        from += Multiples<T>.Below(from, _quantum);
        T end = placement.Last == T.MaxValue ? tree.Total : RankOf(tree, placement.Last + T.One);

        // Spans that together hold every value of the type, all free: 2^bits is read as 0.
        bool isEndless = T.IsZero(end) && placement.Last == T.MaxValue && tree.Count > 0;
        T quanta = end > from || isEndless ? (end - from) / _quantum : T.Zero;
        bool isAll = isEndless && T.IsZero(from);
        T value = placement.Min;
        for (int draw = 0; draw < Draws && (isAll || !T.IsZero(quanta)); draw++)
        {
            StepCounter.Count();
            T rank = isAll ? Numbers.Next<T>() & ~(_quantum - T.One) : from + (Numbers.Below(quanta) * _quantum);
            RangeTree<T, ByKey<T>>.Cursor free = tree.Select(rank, out T offset);
            value = free.Key + offset;
            if (StandsFor(placement, free.Item, free.Key, free.Key + (free.Value - T.One), value, out start))
            {
                return free.Item;
            }
        }

        uint tag = FindByAddress(FitPolicy.FirstFit, placement.NotBelow(value), out start, inSteps);
        return tag != 0 ? tag : FindByAddress(FitPolicy.FirstFit, placement, out start, inSteps);
    }

    /// <summary>The same while all is free: what is drawn is a quantum of the window.</summary>
    private bool TryRandomInAll(in Placement<T> placement, out T start)
    {
        start = default;
        if (placement.Last < placement.Size - T.One || placement.HighestStart < placement.Min)
        {
            return false;
        }

        T width = placement.Last - placement.Min;               // less 1: all of the type has no width
        T value = placement.Min;
        for (int draw = 0; draw < Draws; draw++)
        {
            T drawn = width == T.MaxValue ? Numbers.Next<T>() : Numbers.Below(width + T.One);
            value = (placement.Min + drawn) & ~(_quantum - T.One);
            if (StandsFor(placement.OfAnyKind, 0, T.Zero, T.MaxValue, value, out start))
            {
                return true;
            }
        }

        return placement.NotBelow(value).TryLowest(T.Zero, T.MaxValue, out start);
    }

    /// <summary>The place that a value of the free segment [first, last] stands for.</summary>
    private bool StandsFor(in Placement<T> placement, uint free, T first, T last, T value, out T start)
    {
        T beyond = placement.BeyondPhase(value);
        T place = value - beyond;
        start = default;
        return beyond < T.Min(placement.Align, placement.Size) && beyond <= value - first
            && (placement.Kind == 0 ? placement.TryLowest(place, last, out start)
                : TryLowest(placement.NotBelow(place), free, first, last, out start))
            && start == place;
    }

    /// <summary>How much is free below a value.</summary>
    private static T RankOf(RangeTree<T, ByKey<T>> tree, T value)
    {
        if (T.IsZero(value))
        {
            return T.Zero;
        }

        T rank = tree.SumBelow(value);
        bool isAny = tree.TryFindLast(value - T.One, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor around);
        return isAny && value - around.Key < around.Value ? rank - (around.Value - (value - around.Key)) : rank;
    }
}
