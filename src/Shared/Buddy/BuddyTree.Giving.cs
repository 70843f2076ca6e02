using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

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
        Invariant.Assert(_liveBlocks > 0, "a block that is given back was counted");
        _liveBlocks--;
    }

    /// <summary>Gives a block back if the unit is the first one of a live block; otherwise nothing is changed.</summary>
    /// <param name="unit">Any unit; one that does not exist starts no block.</param>
    public bool TryGive(long unit)
    {
        if ((ulong)unit >= (ulong)Units)
        {
            return false;
        }

        int level = FindLevel(unit, out long index);
        long group = index >> BuddyGroup.Orders;
        BuddyGroup state = Load(ref Pair(level, group), (int)group & 1);
        bool isLive = (((state.Starts & ~state.Free) >> (int)index) & 1) != 0;
        if (!isLive || index << (BuddyGroup.Orders * level) != unit)
        {
            return false;
        }

        Absorb(level, index, _topOrder, isGiven: true);
        Invariant.Assert(_liveBlocks > 0, "a block that is given back was counted");
        _liveBlocks--;
        return true;
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
        long group = index >> BuddyGroup.Orders;
        int cell = (int)index & (BuddyGroup.Cells - 1);
        int odd = (int)group & 1;
        ref ulong pair = ref Pair(level, group);
        BuddyGroup state = Load(ref pair, odd);
        int order = BuddyGroup.OrderAt(state.Starts, cell);
        int began = order + (BuddyGroup.Orders * level);
        Invariant.Assert(((state.Starts & ~state.Free) >> cell & 1) != 0, "what coalesces is live until then");
        ulong gone = 0;
        while (state.IsAllFreeBut(cell) && maxOrder >= BuddyGroup.Orders * (level + 1))
        {
            StepCounter.Count();
            Store(ref pair, odd, default);
            Lose(level, group, OrdersBetween(order, BuddyGroup.Orders), ref gone);
            level++;
            cell = (int)group & (BuddyGroup.Cells - 1);
            group >>= BuddyGroup.Orders;
            order = 0;
            odd = (int)group & 1;
            pair = ref Pair(level, group);
            state = Load(ref pair, odd);
        }

        int merged = state.ReachOf(cell, maxOrder - (BuddyGroup.Orders * level));
        int reached = merged + (BuddyGroup.Orders * level);
        Invariant.Assert(reached >= began && reached <= maxOrder, "a block that coalesces becomes no smaller, and no larger than it may");
        cell &= -1 << merged;
        state = state.Join(cell, merged, isGiven);
        Store(ref pair, odd, state);
        if (merged > order)
        {
            Lose(level, group, OrdersLost(state, order, merged), ref gone);
        }

        _freeOrders ^= gone;
        if (isGiven)
        {
            Gain(level, group, 1u << merged);
        }

        _freeBlocks -= reached - began - (isGiven ? 1 : 0);
        _freeUnits += isGiven ? 1L << began : (1L << began) - (1L << reached);
        Invariant.Assert(_freeUnits >= 0 && _freeUnits <= Units && _freeBlocks >= (isGiven ? 1 : 0), "no more is free than there is");
    }

    /// <summary>The orders from one up to another, that not included, of which a group has no free block any more.</summary>
    private static uint OrdersLost(BuddyGroup state, int from, int to)
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
