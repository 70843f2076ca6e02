using Vmem.Checks;

namespace Vmem.Buddy;

/// <summary>Resizing blocks in place.</summary>
internal sealed partial class BuddyTree
{
    /// <summary>Makes a live block larger or smaller without moving it: it gives right halves back, or takes in the free buddies to its
    /// right.</summary>
    /// <param name="unit">The first unit of a live block.</param>
    /// <param name="newOrder">The order it shall have, 0 or more.</param>
    /// <returns>False, and nothing is changed, if a block of that order cannot start here, or a buddy is not free as a whole.</returns>
    public bool TryResize(long unit, int newOrder)
    {
        int order = OrderOf(unit);
        AssertLive(unit);
        if (newOrder <= order)
        {
            Shrink(unit, order, newOrder);
            return true;
        }

        if (newOrder > _topOrder || (unit & ((1L << newOrder) - 1)) != 0 || !AreBuddiesFree(unit, order, newOrder))
        {
            return false;
        }

        int level = FindLevel(unit, out long index);
        Absorb(level, index, newOrder, isGiven: false);
        Invariant.Assert(OrderOf(unit) == newOrder, "a block that grows has the order that was asked for");
        return true;
    }

    /// <summary>Whether everything from a block's end to the end of a larger one is free; as it is all to the right of something live, it
    /// then is one block of each order in between.</summary>
    private bool AreBuddiesFree(long unit, int order, int newOrder)
    {
        for (; order < newOrder; order++)
        {
            long buddy = unit + (1L << order);
            if (!TryFind(buddy, out long start, out int found, out bool isFree) || start != buddy || found != order || !isFree)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Frees the right halves, level by level. None of them coalesces: the buddy of each is to its left, and live in
    /// part.</summary>
    private void Shrink(long unit, int order, int newOrder)
    {
        Invariant.Assert(newOrder >= 0 && newOrder <= order, "a block that shrinks is not too small for it");
        _freeUnits += (1L << order) - (1L << newOrder);
        _freeBlocks += order - newOrder;
        for (int level = LevelOf(order); order > newOrder; level--)
        {
            int here = order - (BuddyGroup.Orders * level);
            int wantedHere = Math.Max(newOrder - (BuddyGroup.Orders * level), 0);
            long index = unit >> (BuddyGroup.Orders * level);
            long group = index >> BuddyGroup.Orders;
            int odd = (int)group & 1;
            ref ulong pair = ref Pair(level, group);
            BuddyGroup state = Load(ref pair, odd);
            ulong halves = BuddyGroup.Halves(wantedHere, here) << (int)index;
            Store(ref pair, odd, new BuddyGroup(state.Starts | 1 | halves, state.Free | halves));     // a group in use begins with a block
            Gain(level, group, OrdersBetween(wantedHere, here));
            order = wantedHere + (BuddyGroup.Orders * level);
        }
    }
}
