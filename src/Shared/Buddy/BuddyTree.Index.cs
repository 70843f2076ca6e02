using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vmem.Checks;

namespace Vmem.Buddy;

/// <summary>Which groups have a free block of which order.</summary>
/// <remarks>
/// <para>
/// For each order there is the <em>first</em> group, by address, that has a free block of it; and the bitmap of all others, with a 64-fold
/// summary above it (<see cref="BuddyLevel"/>). One word tells which orders have a first group, another which have others.
/// </para>
/// <para>
/// In a chain of splits every order passed has no free block before, and one after; when the block comes back, none again. With all groups
/// in the bitmap each of these would be written through all its rows, and be looked for through all of them again: a pair on an empty tree
/// of 2^20 units took 113 ns, with vectors. Kept apart, the first group costs one store, and losing it one bit.
/// </para>
/// </remarks>
internal sealed partial class BuddyTree
{
    /// <summary>The first group of order k is in the word at FirstGroups + k; it means something while order k has a free block.</summary>
    public const int FirstGroups = 1;

    private ulong _freeOrders;                    // bit k: order k has a first group
    private ulong _moreOrders;                    // bit k: and others

    /// <summary>Notes that a group has free blocks of some orders of its level (bits of <paramref name="orders"/>); it may have had
    /// some before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Gain(int level, long group, uint orders)
    {
        ulong gained = (ulong)orders << (BuddyGroup.Orders * level);
        ulong more = gained & _freeOrders;
        ulong first = gained & ~_freeOrders;
        _freeOrders |= gained;
        for (; first != 0; first &= first - 1)
        {
            Word(FirstGroups + BitOperations.TrailingZeroCount(first)) = (ulong)group;
        }

        if (more != 0)
        {
            GainMore(level, group, more);
        }
    }

    /// <summary>Notes that a group has lost its last free blocks of some orders of its level. What of that was an order's only group is
    /// added to <paramref name="gone"/>, which the caller takes out of the free orders at last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Lose(int level, long group, uint orders, ref ulong gone)
    {
        ulong lost = (ulong)orders << (BuddyGroup.Orders * level);
        Invariant.Assert((lost & ~_freeOrders) == 0, "an order whose blocks are gone had some");
        ulong others = lost & _moreOrders;
        gone |= lost ^ others;
        if (others != 0)
        {
            LoseMore(level, group, others);
        }
    }

    /// <summary>A group is the first one of these orders of its level; they had none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteFirst(int level, long group, int from, int to)
    {
        Invariant.Assert(from >= 0 && to <= BuddyGroup.Orders, "the orders passed are the level's");
        for (int order = from; order < to; order++)
        {
            Word(FirstGroups + (BuddyGroup.Orders * level) + order) = (ulong)group;
        }
    }

    /// <summary>A group is the first one of all six orders of its level: two vectors of four words, which overlap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteFirst(int level, long group)
    {
        ref ulong first = ref Word(FirstGroups + (BuddyGroup.Orders * level));
        Vector256<ulong> groups = Vector256.Create((ulong)group);
        groups.StoreUnsafe(ref first);
        groups.StoreUnsafe(ref first, 2);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void GainMore(int level, long group, ulong orders)
    {
        for (; orders != 0; orders &= orders - 1)
        {
            int order = BitOperations.TrailingZeroCount(orders);
            ref ulong first = ref Word(FirstGroups + order);
            Invariant.Assert((_freeOrders >> order & 1) != 0, "an order with more groups has a first one");
            long other = Math.Max(group, (long)first);
            first = (ulong)Math.Min(group, (long)first);
            if (other != (long)first)
            {
                Mark(level, order, other);
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LoseMore(int level, long group, ulong orders)
    {
        for (; orders != 0; orders &= orders - 1)
        {
            int order = BitOperations.TrailingZeroCount(orders);
            ref ulong first = ref Word(FirstGroups + order);
            long other = group;
            Invariant.Assert(group >= (long)first, "the first group of an order is the lowest");
            if (group == (long)first)
            {
                other = FirstMarked(level, order);
                first = (ulong)other;
            }

            Unmark(level, order, other);
        }
    }

    private long FirstMarked(int level, int order)
    {
        ref BuddyLevel place = ref Level(level);
        long child = 0;
        for (int row = place.RowCount - 1; row >= 0; row--)
        {
            StepCounter.Count();
            Invariant.Assert(Word(Mark(place, level, order, row, child)) != 0, "a node that is marked has a mark");
            child = (child << BuddyGroup.Orders) + BitOperations.TrailingZeroCount(Word(Mark(place, level, order, row, child)));
        }

        return child;
    }

    /// <summary>Marks a group; the rows above know already if the word was not empty.</summary>
    private void Mark(int level, int order, long group)
    {
        ref BuddyLevel place = ref Level(level);
        for (int row = 0; row < place.RowCount; row++)
        {
            StepCounter.Count();
            ref ulong word = ref Word(Mark(place, level, order, row, group >> BuddyGroup.Orders));
            ulong before = word;
            word = before | (1ul << (int)group);
            if (before != 0)
            {
                return;
            }

            group >>= BuddyGroup.Orders;
        }

        _moreOrders |= 1ul << order;
    }

    private void Unmark(int level, int order, long group)
    {
        ref BuddyLevel place = ref Level(level);
        for (int row = 0; row < place.RowCount; row++)
        {
            StepCounter.Count();
            ref ulong word = ref Word(Mark(place, level, order, row, group >> BuddyGroup.Orders));
            Invariant.Assert((word >> (int)group & 1) != 0, "a mark that goes was there");
            word &= ~(1ul << (int)group);
            if (word != 0)
            {
                return;
            }

            group >>= BuddyGroup.Orders;
        }

        _moreOrders &= ~(1ul << order);
    }

    /// <summary>Where a node keeps the marks of an order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Mark(in BuddyLevel place, int level, int order, int row, long node) =>
        place.Node(row, node) + order - (BuddyGroup.Orders * level);
}
