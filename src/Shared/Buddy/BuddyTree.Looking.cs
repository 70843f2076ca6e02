using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Buddy;

/// <summary>Which block holds a unit.</summary>
internal sealed partial class BuddyTree
{
    /// <summary>The order of the block, live or free, that starts at a unit.</summary>
    /// <param name="unit">The block's first unit.</param>
    /// <remarks>One step for each level below the block's own; it reads one word in each.</remarks>
    public int OrderOf(long unit)
    {
        if ((ulong)unit >= (ulong)Units)
        {
            ThrowNoUnit(unit);
        }

        int level = FindLevel(unit, out long index);
        long group = index >> BuddyGroup.Orders;
        ulong starts = BuddyGroup.StartsOf(Unsafe.Add(ref Pair(level, group), (int)group & 1));
        return BuddyGroup.OrderAt(starts, (int)index & (BuddyGroup.Cells - 1)) + (BuddyGroup.Orders * level);
    }

    /// <summary>Finds the block that holds a unit.</summary>
    /// <param name="unit">Any unit.</param>
    /// <param name="start">The block's first unit.</param>
    /// <param name="order">Its order.</param>
    /// <param name="isFree">Whether it is free.</param>
    /// <returns>False if there is no such unit.</returns>
    public bool TryFind(long unit, out long start, out int order, out bool isFree)
    {
        start = 0;
        order = 0;
        isFree = false;
        if ((ulong)unit >= (ulong)Units)
        {
            return false;
        }

        int level = FindLevel(unit, out long index);
        long group = index >> BuddyGroup.Orders;
        BuddyGroup state = Load(ref Pair(level, group), (int)group & 1);
        ulong upToHere = state.Starts & ((2ul << (int)index) - 1);
        int cell = BitOperations.Log2(upToHere);
        order = BuddyGroup.OrderAt(state.Starts, cell) + (BuddyGroup.Orders * level);
        start = ((index & -BuddyGroup.Cells) + cell) << (BuddyGroup.Orders * level);
        isFree = ((state.Free >> cell) & 1) != 0;
        return true;
    }

    /// <summary>The level of the block that holds a unit: the first on which the unit's group is in use; and the unit's cell
    /// there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int FindLevel(long unit, out long index)
    {
        int level = 0;
        index = unit;
        for (; ; level++, index >>= BuddyGroup.Orders)
        {
            long group = index >> BuddyGroup.Orders;
            if (Unsafe.Add(ref Pair(level, group), (int)group & 1) != 0)
            {
                return level;
            }

            StepCounter.Count();
        }
    }
}
