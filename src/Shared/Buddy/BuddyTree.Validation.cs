using System.Numerics;
using Vmem.Checks;

namespace Vmem.Buddy;

/// <summary>The tree's invariants. Every word is read once, through its bounds check: what is broken may point anywhere.</summary>
internal sealed partial class BuddyTree
{
    /// <summary>Checks everything.</summary>
    /// <exception cref="InvariantViolationException">Something is not as it must be; it names what.</exception>
    /// <remarks>O(units), a word at a time.</remarks>
    public void Validate()
    {
        Invariant.Hold(KeysHold, "the guard keys around the bookkeeping are intact", $"the first is {(_words[0] == Key(0) ? "" : "not ")}");
        ulong orders = 0;
        Totals totals = default;
        for (int level = 0; level < _levels.Length; level++)
        {
            BuddyLevel place = _levels[level];
            for (long group = 0; group < place.GroupCount; group++)
            {
                ValidateGroup(level, group, ref totals);
            }

            Invariant.Hold((place.GroupCount & 1) == 0 || _words[place.WordA(place.GroupCount)] == 0
                && (_words[place.WordF(place.GroupCount)] & ~BuddyGroup.LeftCells) == 0, "there is nothing behind the last group", $"level {level}");
            orders |= (ulong)ValidateMarks(level) << (BuddyGroup.Orders * level);
        }

        Invariant.Hold(totals.FreeOrders == _freeOrders, "the orders that have a free block are known", $"{Convert.ToString((long)totals.FreeOrders, 2)} have, {Convert.ToString((long)_freeOrders, 2)} are known");
        Invariant.Hold(orders == _moreOrders, "the orders that have free blocks in several groups are known", $"{Convert.ToString((long)orders, 2)} have, {Convert.ToString((long)_moreOrders, 2)} are known");
        Invariant.Hold(totals.FreeBlocks == _freeBlocks && totals.LiveBlocks == _liveBlocks, "blocks are counted", $"{totals.FreeBlocks} free and {totals.LiveBlocks} live ones are there, {_freeBlocks} and {_liveBlocks} are counted");
        Invariant.Hold(totals.FreeUnits == _freeUnits && totals.FreeUnits + totals.LiveUnits == Units, "every unit is free or live", $"{totals.FreeUnits} free ones and {totals.LiveUnits} live ones of {Units} are there, {_freeUnits} free ones are counted");
    }

    private struct Totals
    {
        public long FreeBlocks;
        public long LiveBlocks;
        public long FreeUnits;
        public long LiveUnits;
        public ulong FreeOrders;
    }

    private void ValidateGroup(int level, long group, ref Totals totals)
    {
        BuddyLevel place = _levels[level];
        ulong a = _words[place.WordA(group)];
        ulong f = (_words[place.WordF(group)] >> (int)(group & 1)) & BuddyGroup.LeftCells;
        Invariant.Hold((f & ~(a | (a >> 1))) == 0, "what is free starts somewhere", $"level {level}, group {group}");
        BuddyGroup state = BuddyGroup.Decode(a, f);
        bool isUsed = a != 0;
        Invariant.Hold(isUsed == IsDivided(level, group), "a group is in use where the cell above it is divided", $"level {level}, group {group}");
        ValidateIndex(level, group, state, ref totals);
        int largest = Math.Min(_topOrder - (BuddyGroup.Orders * level), BuddyGroup.Orders - 1);
        for (int cell = 0; isUsed && cell < BuddyGroup.Cells;)
        {
            int order = BuddyGroup.OrderAt(state.Starts, cell);
            int size = 1 << order;
            long first = (group * BuddyGroup.Cells) + cell;
            bool isFree = ((state.Free >> cell) & 1) != 0;
            bool isWhole = (first + size) << (BuddyGroup.Orders * level) <= Units;
            Invariant.Hold(((state.Starts >> cell) & 1) != 0 && order <= largest && (cell & (size - 1)) == 0, "blocks follow each other without a gap, each at a multiple of its size", $"level {level}, cell {first}");
            Invariant.Hold(isWhole || (!isFree && order == 0), "no block reaches beyond the end", $"level {level}, cell {first}");
            Invariant.Hold(!isFree || order + (BuddyGroup.Orders * level) == _topOrder || !IsFreeBlock(state, cell ^ size, order), "free buddies are one block", $"level {level}, cell {first}, order {order}");
            if (isWhole && (order != 0 || isFree || !IsDividedCell(level, first)))
            {
                Count(ref totals, isFree, (long)size << (BuddyGroup.Orders * level));
            }

            cell += size;
        }
    }

    private static void Count(ref Totals totals, bool isFree, long units)
    {
        totals.FreeBlocks += isFree ? 1 : 0;
        totals.LiveBlocks += isFree ? 0 : 1;
        totals.FreeUnits += isFree ? units : 0;
        totals.LiveUnits += isFree ? 0 : units;
    }

    /// <summary>Whether a group must be in use: the cell above it is no block's. Told from the level above alone, where a cell that is live
    /// may be either; then the group itself decides.</summary>
    private bool IsDivided(int level, long group)
    {
        if (level == _levels.Length - 1)
        {
            return true;
        }

        BuddyLevel above = _levels[level + 1];
        long aboveGroup = group >> BuddyGroup.Orders;
        int cell = (int)group & (BuddyGroup.Cells - 1);
        BuddyGroup state = BuddyGroup.Decode(
            _words[above.WordA(aboveGroup)],
            (_words[above.WordF(aboveGroup)] >> (int)(aboveGroup & 1)) & BuddyGroup.LeftCells);
        bool starts = ((state.Starts >> cell) & 1) != 0;
        bool isSingle = starts && BuddyGroup.OrderAt(state.Starts, cell) == 0;
        bool isFree = ((state.Free >> cell) & 1) != 0;
        bool isPartial = (group + 1) << (BuddyGroup.Orders * (level + 1)) > Units;
        return isPartial || (isSingle && !isFree && IsDividedCell(level + 1, group));
    }

    /// <summary>Whether the group below a cell is in use.</summary>
    private bool IsDividedCell(int level, long cell) => level > 0 && _words[_levels[level - 1].WordA(cell)] != 0;

    private static bool IsFreeBlock(BuddyGroup state, int cell, int order) =>
        ((state.Free >> cell) & 1) != 0 && BuddyGroup.OrderAt(state.Starts, cell) == order;

    /// <summary>Groups come in the order of their addresses: the first that has a free block of some order is that order's first
    /// one, and the others are marked.</summary>
    private void ValidateIndex(int level, long group, BuddyGroup state, ref Totals totals)
    {
        int node = (int)_levels[level].Node(0, group / BuddyGroup.Cells);
        for (int order = 0; order < BuddyGroup.Orders; order++)
        {
            int treeOrder = order + (BuddyGroup.Orders * level);
            bool isMarked = ((_words[node + order] >> (int)group) & 1) != 0;
            bool isFirst = (_freeOrders >> treeOrder & 1) != 0 && (long)_words[FirstGroups + treeOrder] == group;
            bool hasFree = HasFree(state, order);
            bool mustBeFirst = hasFree && (totals.FreeOrders >> treeOrder & 1) == 0;
            Invariant.Hold(isFirst == mustBeFirst && isMarked == (hasFree && !mustBeFirst), "the index knows which groups have a free block of which order", $"level {level}, group {group}, order {order}");
            totals.FreeOrders |= hasFree ? 1ul << treeOrder : 0;
        }
    }

    /// <summary>Block by block, as a check of the look at all at once.</summary>
    private static bool HasFree(BuddyGroup state, int order)
    {
        for (ulong free = state.Free; free != 0; free &= free - 1)
        {
            if (BuddyGroup.OrderAt(state.Starts, BitOperations.TrailingZeroCount(free)) == order)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Checks that each row of marks says what the one below it holds, and that nothing is marked that does not exist; returns
    /// the orders that have any mark on the level.</summary>
    private uint ValidateMarks(int level)
    {
        BuddyLevel place = _levels[level];
        long children = place.GroupCount;
        uint orders = 0;
        for (int row = 0; row < place.RowCount; row++)
        {
            long nodes = ((children - 1) / BuddyGroup.Cells) + 1;
            for (long node = 0; node < nodes; node++)
            {
                int word = (int)place.Node(row, node);
                long left = children - (node * BuddyGroup.Cells);
                ulong absent = left >= BuddyGroup.Cells ? 0 : ulong.MaxValue << (int)left;
                orders = 0;
                for (int order = 0; order < BuddyGroup.Orders; order++)
                {
                    ulong marks = _words[word + order];
                    Invariant.Hold((marks & absent) == 0, "the index marks only what exists", $"level {level}, row {row}, node {node}, order {order}");
                    orders |= marks != 0 ? 1u << order : 0;
                    bool isMarked = row + 1 < place.RowCount
                        && ((_words[place.Node(row + 1, node / BuddyGroup.Cells) + order] >> (int)node) & 1) != 0;
                    Invariant.Hold(row + 1 == place.RowCount || isMarked == (marks != 0), "each row of the index knows what the one below it has", $"level {level}, row {row}, node {node}, order {order}");
                }
            }

            children = nodes;
        }

        return orders;
    }
}
