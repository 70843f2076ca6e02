using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

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

        StepCounter.Count();
        int found = order + BitOperations.TrailingZeroCount(enough);
        int level = LevelOf(found);
        int foundHere = found - (BuddyGroup.Orders * level);
        long group = (long)Word(FirstGroups + found);
        int odd = (int)group & 1;
        ref ulong pair = ref Pair(level, group);
        BuddyGroup state = Load(ref pair, odd);
        ulong blocks = state.OfOrder(foundHere);
        Invariant.Assert(blocks != 0, "an order's first group has a free block of it");
        int cell = BitOperations.TrailingZeroCount(blocks);
        ulong halves = 0;
        if (found > order)
        {
            // Of the orders passed nothing was free before, or it would have been taken.
            int wantedHere = Math.Max(order - (BuddyGroup.Orders * level), 0);
            halves = BuddyGroup.Halves(wantedHere, foundHere) << cell;
            NoteFirst(level, group, wantedHere, foundHere);
            _freeOrders |= (1ul << found) - (1ul << order);
        }

        Store(ref pair, odd, new BuddyGroup(state.Starts | halves, (state.Free ^ (1ul << cell)) | halves));
        ulong gone = 0;
        if ((blocks & (blocks - 1)) == 0)
        {
            Lose(level, group, 1u << foundHere, ref gone);
            _freeOrders ^= gone;
        }

        _freeUnits -= 1L << order;
        _freeBlocks += found - order - 1;
        _liveBlocks++;
        long taken = (group << BuddyGroup.Orders) + cell;
        unit = taken << (BuddyGroup.Orders * level);
        Invariant.Assert((unit & ((1L << order) - 1)) == 0 && unit + (1L << order) <= Units, "a block is aligned to its size, and lies inside");
        Invariant.Assert(_freeUnits >= 0 && _freeBlocks >= 0, "what is taken was free");
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
        int level = LevelOf(order);
        while (taken < units.Length && order <= _topOrder && (_freeOrders >> order) != 0)
        {
            int foundHere = order + BitOperations.TrailingZeroCount(_freeOrders >> order) - (BuddyGroup.Orders * level);
            if (foundHere < BuddyGroup.Orders)
            {
                taken += TakeRun(level, order - (BuddyGroup.Orders * level), foundHere, units[taken..]);
                continue;
            }

            TryTake(order, out units[taken++]);   // from a level above: this fills a group, from which the next ones come
        }

        return taken;
    }

    /// <summary>Takes blocks of an order from the first group that has a free one of the order found (both counted within the level): of
    /// these as many as there are or, if they are larger, what one of them yields.</summary>
    private int TakeRun(int level, int order, int foundOrder, Span<long> units)
    {
        StepCounter.Count();
        int shift = BuddyGroup.Orders * level;
        long group = (long)Word(FirstGroups + foundOrder + shift);
        int odd = (int)group & 1;
        ref ulong pair = ref Pair(level, group);
        BuddyGroup state = Load(ref pair, odd);
        ulong found = state.OfOrder(foundOrder);
        Invariant.Assert(found != 0 && foundOrder >= order, "an order's first group has a free block of it");
        int first = BitOperations.TrailingZeroCount(found);
        ulong ready = foundOrder == order ? found : BuddyGroup.AlignedCells(order) & (((1ul << (1 << foundOrder)) - 1) << first);
        ulong taken = 0;
        int count = 0;
        for (; count < units.Length && ready != 0; ready &= ready - 1)
        {
            int cell = BitOperations.TrailingZeroCount(ready);
            units[count++] = ((group << BuddyGroup.Orders) + cell) << shift;
            taken |= 1ul << cell;
        }

        // Nothing, unless a block was cut: what is ready next lies behind the first block.
        ulong rest = RightParts(BitOperations.TrailingZeroCount(ready), first + (1 << foundOrder));
        Store(ref pair, odd, new BuddyGroup(state.Starts | taken | rest, (state.Free & ~taken) | rest));
        _freeUnits -= (long)count << (order + shift);
        _freeBlocks += BitOperations.PopCount(rest) - (foundOrder == order ? count : 1);
        _liveBlocks += count;
        Invariant.Assert(count > 0 && (rest & taken) == 0, "of a block that is cut, something is taken and the rest is free");
        Invariant.Assert(_freeUnits >= 0 && _freeBlocks >= 0, "what is taken was free");
        Gain(level, group, OrdersOf(rest));
        if ((found & ~taken) == 0)
        {
            ulong gone = 0;
            Lose(level, group, 1u << foundOrder, ref gone);
            _freeOrders ^= gone;
        }

        return count;
    }

    /// <summary>Where the largest blocks start that cover what is left of one that was cut, from a cell inside it to its end.</summary>
    private static ulong RightParts(int cell, int end)
    {
        ulong parts = 0;
        for (; cell < end; cell += cell & -cell)
        {
            parts |= 1ul << cell;
        }

        return parts;
    }

    /// <summary>The orders of right parts: each is as large as its address allows.</summary>
    private static uint OrdersOf(ulong rightParts)
    {
        uint orders = 0;
        for (; rightParts != 0; rightParts &= rightParts - 1)
        {
            orders |= 1u << BitOperations.TrailingZeroCount(BitOperations.TrailingZeroCount(rightParts));
        }

        return orders;
    }

    /// <summary>Cuts a taken cell of the level above down to a block of this order, whose right halves become free all the way. The orders
    /// passed are marked as free already, and had no free block.</summary>
    private void DivideDown(int level, long group, int order)
    {
        for (; order < BuddyGroup.Orders * level; level--)
        {
            StepCounter.Count();
            AssertUnused(level, group);
            Store(ref Pair(level, group), (int)group & 1, BuddyGroup.FirstCellCut);
            NoteFirst(level, group);
            group <<= BuddyGroup.Orders;
        }

        StepCounter.Count();
        int wantedHere = order - (BuddyGroup.Orders * level);
        ulong halves = BuddyGroup.Halves(wantedHere, BuddyGroup.Orders);
        AssertUnused(level, group);
        Store(ref Pair(level, group), (int)group & 1, new BuddyGroup(halves | 1, halves));
        NoteFirst(level, group, wantedHere, BuddyGroup.Orders);
    }

    [Conditional("DEBUG")]
    private void AssertUnused(int level, long group) =>
        Invariant.Assert(Load(ref Pair(level, group), (int)group & 1).Starts == 0, "a group inside a block of the level above is not in use");

    /// <summary>Bits from one order up to another, which is not included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint OrdersBetween(int from, int to) => (1u << to) - (1u << from);
}
