using System.Numerics;

namespace Vmem.Buddy;

/// <summary>The first cut: everything free, in the largest blocks that fit. All words are zero before.</summary>
internal sealed partial class BuddyTree
{
    private void FreeAll()
    {
        _words[0] = Key(0);
        _words[^1] = Key(_words.Length - 1);
        _freeOrders = 0;
        _moreOrders = 0;
        _freeUnits = Units;
        _freeBlocks = 0;
        _liveBlocks = 0;
        int top = _levels.Length - 1;
        CutWholeGroups(top);
        for (int level = top; level >= 0; level--)
        {
            CutLastGroup(level, level == top ? _topOrder - (BuddyGroup.Orders * top) : BuddyGroup.Orders - 1);
        }
    }

    /// <summary>The groups of the top level that have all their cells: equal blocks of the largest order. The only work here that grows
    /// with the number of units, and only as fast as the number of these blocks.</summary>
    private void CutWholeGroups(int level)
    {
        int order = _topOrder - (BuddyGroup.Orders * level);
        long whole = Units >> (BuddyGroup.Orders * (level + 1));
        ulong blocks = BuddyGroup.AlignedCells(order);
        BuddyGroup state = new(blocks, blocks);
        for (long group = 0; group < whole; group++)
        {
            Store(ref Pair(level, group), (int)group & 1, state);
        }

        _freeBlocks += whole * BitOperations.PopCount(blocks);
        if (whole > 0)
        {
            Gain(level, 0, 1u << order);
            MarkAllUpTo(level, order, whole);
        }
    }

    /// <summary>Marks the groups of the top level up to this one, but the first, which is known by itself; a word at a time.</summary>
    private void MarkAllUpTo(int level, int order, long groups)
    {
        if (groups == 1)
        {
            return;
        }

        BuddyLevel place = _levels[level];
        long children = groups;
        for (int row = 0; row < place.RowCount; row++)
        {
            for (long child = 0; child < children; child += BuddyGroup.Cells)
            {
                long left = children - child;
                _words[place.Node(row, child / BuddyGroup.Cells) + order] = left >= BuddyGroup.Cells
                    ? ulong.MaxValue
                    : (1ul << (int)left) - 1;
            }

            children = ((children - 1) / BuddyGroup.Cells) + 1;
        }

        _words[place.Node(0, 0) + order] &= ~1ul;
        _moreOrders |= 1ul << (order + (BuddyGroup.Orders * level));
    }

    /// <summary>The group in which the units end, if it has not all its cells: blocks going down by powers of two from the largest order,
    /// then the cell that is divided if the units end inside one, then cells that do not exist.</summary>
    private void CutLastGroup(int level, int maxOrder)
    {
        if ((Units & ((1L << (BuddyGroup.Orders * (level + 1))) - 1)) == 0)
        {
            return;
        }

        long group = Units >> (BuddyGroup.Orders * (level + 1));
        int cells = (int)(Units >> (BuddyGroup.Orders * level)) & (BuddyGroup.Cells - 1);
        ulong blocks = 0;
        uint orders = 0;
        for (int cell = 0; cell < cells;)
        {
            int order = Math.Min(maxOrder, BitOperations.Log2((uint)(cells - cell)));
            blocks |= 1ul << cell;
            orders |= 1u << order;
            cell += 1 << order;
            _freeBlocks++;
        }

        Store(ref Pair(level, group), (int)group & 1, new BuddyGroup(blocks | (ulong.MaxValue << cells), blocks));
        Gain(level, group, orders);
    }
}
