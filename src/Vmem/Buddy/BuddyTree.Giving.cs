using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Vmem.Buddy;

/// <summary>Giving blocks back, and putting them together with their buddies.</summary>
internal sealed partial class BuddyTree
{
    /// <summary>Gives a block back; it coalesces with its buddy as often as that is free.</summary>
    /// <param name="unit">The first unit of a live block. Whether it is one is checked in Debug builds only: <see cref="TryFind"/>
    /// tells.</param>
    public void Give(long unit)
    {
        if ((ulong)unit >= (ulong)Units)
        {
            ThrowNoUnit(unit);
        }

        AssertLive(unit);
        int level = FindLevel(unit, out long index);
        Absorb(level, index, _topOrder, isGiven: true);
        _liveBlocks--;
    }

    /// <summary>Puts a live block together with its buddies for as long as they are free, up to a largest order; then it is free, if it was
    /// given back, or still live.</summary>
    /// <param name="level">The block's level.</param>
    /// <param name="index">Its first cell there.</param>
    /// <param name="maxOrder">The largest order it may reach.</param>
    /// <param name="isGiven">Whether it becomes free.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Absorb(int level, long index, int maxOrder, bool isGiven)
    {
        int cell = (int)index & (BuddyGroup.Cells - 1);
        long group = index >> BuddyGroup.Orders;
        BuddyGroup state = Load(Level(level), group);
        int order = BuddyGroup.OrderAt(state.Starts, cell);
        int began = order + (BuddyGroup.Orders * level);
        int merged = Coalesce(ref state, ref cell, order, Math.Min(maxOrder - (BuddyGroup.Orders * level), BuddyGroup.Orders));
        while (merged == BuddyGroup.Orders)
        {
            StepCounter.Count();
            Store(Level(level), group, default);
            Reindex(level, group, 0, OrdersBetween(order, BuddyGroup.Orders));
            level++;
            cell = (int)group & (BuddyGroup.Cells - 1);
            group >>= BuddyGroup.Orders;
            order = 0;
            state = Load(Level(level), group);
            merged = Coalesce(ref state, ref cell, order, Math.Min(maxOrder - (BuddyGroup.Orders * level), BuddyGroup.Orders));
        }

        uint lost = OrdersLost(state, order, merged);
        uint gained = 0;
        int reached = merged + (BuddyGroup.Orders * level);
        _freeBlocks -= reached - began;
        if (isGiven)
        {
            state.Free |= 1ul << cell;
            gained = 1u << merged;
            _freeUnits += 1L << began;
            _freeBlocks++;
        }
        else
        {
            _freeUnits -= (1L << reached) - (1L << began);
        }

        Store(Level(level), group, state);
        Reindex(level, group, gained, lost);
    }

    /// <summary>Puts the block at a cell together with its buddies in the group for as long as they are free, and takes them out of the
    /// free ones; returns the order reached.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Coalesce(ref BuddyGroup state, ref int cell, int order, int limit)
    {
        for (; order < limit; order++)
        {
            int width = 1 << order;
            int buddy = cell ^ width;
            bool whole = ((state.Starts >> buddy) & ((1ul << width) - 1)) == 1;
            if (!whole || ((state.Free >> buddy) & 1) == 0)
            {
                break;
            }

            StepCounter.Count();
            state.Free &= ~(1ul << buddy);
            state.Starts &= ~(1ul << (cell | width));
            cell &= ~width;
        }

        return order;
    }

    /// <summary>The orders from one up to another, that not included, of which a group has no free block (any more).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint OrdersLost(in BuddyGroup state, int from, int to)
    {
        uint lost = 0;
        for (int order = from; order < to; order++)
        {
            lost |= state.OfOrder(order) == 0 ? 1u << order : 0;
        }

        return lost;
    }

    [Conditional("DEBUG")]
    private void AssertLive(long unit) =>
        Invariant.Assert(TryFind(unit, out long start, out _, out bool isFree) && start == unit && !isFree, "what is given back is the start of a live block");
}
