using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vmem.Buddy;

/// <summary>The index: which groups have a free block of which order. See <see cref="BuddyLevel"/>.</summary>
internal sealed partial class BuddyTree
{
    /// <summary>The first group of a level that has a free block of an order; there must be one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long FirstWith(in BuddyLevel level, int order)
    {
        long child = 0;
        for (int row = level.RowCount - 1; row >= 0; row--)
        {
            StepCounter.Count();
            child = (child << BuddyGroup.Orders) + BitOperations.TrailingZeroCount(Word(level.Node(row, child) + order));
        }

        return child;
    }

    /// <summary>Notes that a group has got its first free blocks of some orders (bits of <paramref name="gained"/>), and lost its last ones
    /// of others.</summary>
    /// <remarks>All eight words of a node are changed at once, and a row is left out as soon as nothing changes for the row above.</remarks>
    private void Reindex(int level, long group, uint gained, uint lost)
    {
        ref BuddyLevel place = ref Level(level);
        long child = group;
        for (int row = 0; row < place.RowCount; row++)
        {
            if ((gained | lost) == 0)
            {
                return;
            }

            StepCounter.Count();
            ref ulong node = ref Word(place.Node(row, child >> BuddyGroup.Orders));
            Vector512<ulong> before = Vector512.LoadUnsafe(ref node);
            Vector512<ulong> bit = Vector512.Create(1ul << (int)child);
            Vector512<ulong> after = Vector512.AndNot(before | (bit & Lanes(gained)), bit & Lanes(lost));
            after.StoreUnsafe(ref node);
            gained &= (uint)Vector512.Equals(before, Vector512<ulong>.Zero).ExtractMostSignificantBits();
            lost &= (uint)Vector512.Equals(after, Vector512<ulong>.Zero).ExtractMostSignificantBits();
            child >>= BuddyGroup.Orders;
        }

        _freeOrders |= (ulong)gained << (BuddyGroup.Orders * level);
        _freeOrders &= ~((ulong)lost << (BuddyGroup.Orders * level));
    }

    /// <summary>All ones in the words of these orders.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Lanes(uint orders)
    {
        Vector512<ulong> bits = Vector512.Create(1ul, 2, 4, 8, 16, 32, 64, 128);
        return Vector512.Equals(Vector512.Create((ulong)orders) & bits, bits);
    }
}
