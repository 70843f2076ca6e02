using Vmem.Checks;
using Vmem.Ranges;

namespace Vmem.Segments;

/// <summary>Oldest fit: what was freed longest ago, and what was free before anybody asked before that.</summary>
/// <remarks>
/// A request for one quantum gets the oldest quantum of all. A longer one begins where the oldest piece does, if enough is free behind;
/// else it ends where the free segment around the piece does. If that is too short as well, the next piece is looked at. After
/// <see cref="PiecesLooked"/> of them any good fit will do: with requests of one size the first piece fits, and with many sizes nobody has
/// an order in mind. The same goes for constraints, behind which the lowest place is taken. A piece names the free segment that it came
/// into, and mostly it is still in that one; else the index by address knows.
/// </remarks>
internal sealed unsafe partial class SegmentMap<T>
{
    /// <summary>How many pieces are looked at. Arbitrary: each look is a search where sizes are mixed.</summary>
    private const int PiecesLooked = 4;

    /// <summary>Whether the order in which ranges are freed matters.</summary>
    public bool KeepsFreedOrder => _indexes is { Order: not null };

    /// <summary>The order is kept from now on, where there is no span yet: it is the arena's policy.</summary>
    public void KeepFreedOrder()
    {
        Invariant.Assert(SpanCount == 0, "the order begins with the arena");
        FreeIndexes<T> indexes = BeginIndexes();
        indexes.KeepsOrder = true;
        indexes.AskOrder().KnowAll();
    }

    /// <summary>What is taken from now on may have to go back: all of it, or nothing.</summary>
    public void BeginTrial() => _indexes?.Order?.BeginTrial();

    /// <summary>What is freed from now on was only tried, the last one first.</summary>
    public void BeginUndo() => _indexes?.Order?.AsOldest = true;

    /// <summary>Either it has all gone back, and is as old as it was, or it is kept.</summary>
    public void EndTrial(bool isUndone)
    {
        if (_indexes?.Order is not { } order)
        {
            return;
        }

        order.AsOldest = false;
        try
        {
            order.EndTrial(isUndone);
        }
        catch (OutOfMemoryException)
        {
            _indexes.DropOrder();                 // as any index that cannot grow
            _indexed = _indexes.IsAnyBegun;
        }
    }

    /// <summary>What was freed, the oldest first.</summary>
    public List<FreedSnapshot<T>> CopyFreedOrder() => _indexes?.Order?.ToList() ?? [];

    /// <summary>The order goes on as in another map; what it does not name is older.</summary>
    /// <exception cref="ArgumentException">It names what is not free, or the same twice.</exception>
    public void SetFreedOrder(IReadOnlyList<FreedSnapshot<T>> pieces)
    {
        FreeIndexes<T> indexes = BeginIndexes();
        indexes.DropOrder();
        FreedOrder<T> order = indexes.AskOrder();
        foreach ((T start, T size) in pieces)
        {
            bool isQuanta = Multiples<T>.Has(start, _quantum) && Multiples<T>.Has(size, _quantum) && !T.IsZero(size);
            if (!isQuanta || size - T.One > T.MaxValue - start || FindAt(start, size, inSteps: false) == 0 || order.Touches(start, size))
            {
                throw new ArgumentException($"the freed range of {size} at {start} is not free, named twice, or not whole quanta.");
            }

            order.Reserve(2);
            order.Free(start, size, tag: 0);
        }
    }

    private uint FindOldest(in Placement<T> placement, out T start, bool inSteps)
    {
        start = default;
        FreeIndexes<T> indexes = BeginIndexes();
        FreedOrder<T> order = indexes.AskOrder();
        uint tag = 0;
        if (order.HasUnknown)
        {
            if (!indexes.HasByAddress(_tags, inSteps))
            {
                return Unfinished;
            }

            tag = FindUnknown(order, placement, out start);
        }

        int looks = 0;
        for (uint piece = order.Oldest; tag == 0 && piece != 0 && looks < PiecesLooked; piece = order.Following(piece), looks++)
        {
            T at = order.StartOf(piece);
            uint free = order.HintOf(piece);
            if (!IsFreeIn(free, at))
            {
                if (!indexes.HasByAddress(_tags, inSteps))
                {
                    return Unfinished;
                }

                free = TryFindFree(at, out RangeTree<T, ByKey<T>>.Cursor found) ? found.Item : 0;
            }

            tag = free != 0 && TryNear(placement, free, at, out start) ? free : 0;
        }

        if (tag == 0 && placement.IsUnconstrained)
        {
            tag = FindInstant(placement.Size);
            start = _tags.At(tag)->Start;
        }

        return tag != 0 ? tag : FindByAddress(FitPolicy.FirstFit, placement, out start, inSteps);
    }

    /// <summary>A place in the first free space that is in no piece.</summary>
    private uint FindUnknown(FreedOrder<T> order, in Placement<T> placement, out T start)
    {
        start = default;
        RangeTree<T, ByKey<T>> tree = _indexes!.ByAddress.Tree!;
        T from = order.UnknownFrom;
        bool isAllKnown = true;                   // of what was passed
        for (int looks = 0; looks < PiecesLooked; looks++)
        {
            StepCounter.Count();
            bool isFree = TryFindFree(from, out RangeTree<T, ByKey<T>>.Cursor free) || tree.TryFindFirst(from, T.Zero, T.Zero, out free);
            T last = T.MaxValue;
            if (isFree)
            {
                from = T.Max(from, free.Key);
                bool isKnown = order.IsKnown(from, out last);
                if (!isKnown && TryNear(placement, free.Item, from, out start))
                {
                    return free.Item;
                }

                isAllKnown &= isKnown;
                last = isKnown ? last : free.Key + (free.Value - T.One);
            }

            if (last == T.MaxValue)
            {
                if (isAllKnown)
                {
                    order.KnowAll();
                }

                return 0;
            }

            from = last + T.One;
            if (isAllKnown)
            {
                order.KnowBelow(from);
            }
        }

        return 0;
    }

    /// <summary>Whether a tag is that of the free segment which holds a value.</summary>
    private bool IsFreeIn(uint index, T value)
    {
        Tag<T>* tag = _tags.At(index);            // tag 0 is none
        return index < _tags.HighWater && tag->Kind == TagKind.Free && value - tag->Start < SizeOf(tag);
    }

    /// <summary>The free segment that holds a value, by the index.</summary>
    private bool TryFindFree(T value, out RangeTree<T, ByKey<T>>.Cursor free) =>
        _indexes!.ByAddress.Tree!.TryFindLast(value, T.MaxValue, T.Zero, out free) && value - free.Key < free.Value;

    /// <summary>The first place of a free segment from here on; if there is none, the last one before.</summary>
    private bool TryNear(in Placement<T> placement, uint free, T from, out T start)
    {
        StepCounter.Count();
        T first = _tags.At(free)->Start;
        T last = first + (SizeOf(_tags.At(free)) - T.One);
        return (placement.Kind == 0 ? placement.TryLowest(from, last, out start)
                : TryLowest(placement.NotBelow(from), free, first, last, out start))
            || TryHighest(placement, free, first, last, out start);
    }

    /// <summary>The oldest value while all is free.</summary>
    private T OldestInAll()
    {
        FreedOrder<T> order = BeginIndexes().AskOrder();
        for (int looks = 0; looks < PiecesLooked && order.HasUnknown; looks++)
        {
            if (!order.IsKnown(order.UnknownFrom, out T last))
            {
                return order.UnknownFrom;
            }

            if (last == T.MaxValue)
            {
                order.KnowAll();
            }
            else
            {
                order.KnowBelow(last + T.One);
            }
        }

        Invariant.Assert(order.Oldest != 0, "where all that is free is in pieces, there are some");
        return order.StartOf(order.Oldest);
    }
}
