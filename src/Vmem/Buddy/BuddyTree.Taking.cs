using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Buddy;

/// <summary>Taking blocks, and cutting larger ones down for it.</summary>
internal sealed partial class BuddyTree
{
    /// <summary>Takes a block of an order, from the smallest free block that will do, and of these from the one at the lowest
    /// address.</summary>
    /// <param name="order">0 to 63.</param>
    /// <param name="unit">The block's first unit.</param>
    /// <returns>False if no free block is large enough.</returns>
    public bool TryTake(int order, out long unit)
    {
        ulong enough = _freeOrders >> order;
        if (enough == 0)
        {
            unit = 0;
            return false;
        }

        int found = order + BitOperations.TrailingZeroCount(enough);
        _freeUnits -= 1L << order;
        _freeBlocks += found - order - 1;
        _liveBlocks++;
        int level = LevelOf(found);
        int foundHere = found - (BuddyGroup.Orders * level);
        int wantedHere = Math.Max(order - (BuddyGroup.Orders * level), 0);
        ref BuddyLevel place = ref Level(level);
        long group = FirstWith(place, foundHere);
        BuddyGroup state = Load(place, group);
        ulong blocks = state.OfOrder(foundHere);
        int cell = BitOperations.TrailingZeroCount(blocks);
        ulong halves = BuddyGroup.Halves(wantedHere, foundHere) << cell;
        state.Starts |= halves;
        state.Free = (state.Free ^ (1ul << cell)) | halves;
        Store(place, group, state);
        Reindex(level, group, OrdersBetween(wantedHere, foundHere), (blocks & (blocks - 1)) == 0 ? 1u << foundHere : 0);
        long taken = (group << BuddyGroup.Orders) + cell;
        unit = taken << (BuddyGroup.Orders * level);
        if (order < BuddyGroup.Orders * level)
        {
            DivideDown(level - 1, taken, order);
        }

        return true;
    }

    /// <summary>Takes as many blocks of an order as there are, up to the length of the list, in the order in which
    /// <see cref="TryTake"/> would.</summary>
    /// <returns>How many were taken.</returns>
    public int TakeMany(int order, Span<long> units)
    {
        int taken = 0;
        while (taken < units.Length && TryTake(order, out long unit))
        {
            units[taken++] = unit;
        }

        return taken;
    }

    /// <summary>Cuts a taken cell of the level above down to a block of this order, whose right halves become free all the way.</summary>
    /// <remarks>All these groups were unused, and none of these orders had a free block in them.</remarks>
    private void DivideDown(int level, long group, int order)
    {
        for (; ; level--)
        {
            StepCounter.Count();
            int wantedHere = Math.Max(order - (BuddyGroup.Orders * level), 0);
            ulong halves = BuddyGroup.Halves(wantedHere, BuddyGroup.Orders);
            Store(Level(level), group, new BuddyGroup(halves | 1, halves));
            Reindex(level, group, OrdersBetween(wantedHere, BuddyGroup.Orders), 0);
            if (order >= BuddyGroup.Orders * level)
            {
                return;
            }

            group <<= BuddyGroup.Orders;
        }
    }

    /// <summary>Bits from one order up to another, which is not included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint OrdersBetween(int from, int to) => (1u << to) - (1u << from);
}
