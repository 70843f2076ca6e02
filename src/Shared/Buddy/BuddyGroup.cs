using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Buddy;

/// <summary>The state of 64 neighbouring cells of one level: which of them a block starts at, and which of these blocks are free.</summary>
/// <remarks>
/// <para>
/// A block ends where the next one starts, or with the group; so its size is not stored. A group in use is covered by blocks without a gap,
/// and cell 0 is a start; a group without any start is not in use, because it lies inside one block of the level above. Blocks are
/// <em>nested</em>: one of order j, of 2^j cells, starts at a multiple of 2^j. All questions about the group are answered in registers.
/// </para>
/// <para>
/// <b>The code.</b> Two bits for each of 64 cells would be 128. But cells come in pairs of buddies, and what starts at the left and at the
/// right cell of a pair, nothing (−), an allocated block (a) or a free one (f), is one of only seven things: a block that starts further
/// left covers either both cells or none, so that a right cell starts something only if the left one does. Three bits for a pair will do:
/// a word A, one bit for each cell, and half a word F, one bit for each left cell:
/// </para>
/// <code>
///   left right     A       F
///    −    −       0 0      0     inside a block that starts further left
///    a    −       1 0      0     a block of two cells or more
///    f    −       1 0      1
///    a    a       1 1      0
///    f    a       1 1      1
///    a    f       0 1      0     A right cell that starts without its left one means nothing by itself,
///    f    f       0 1      1     so it can say that the right one is free.
/// </code>
/// <para>
/// So F is the left half of <see cref="Free"/>, as it is; the right half is where A has the right bit without the left one; and A is
/// <see cref="Starts"/> less the left bits of such pairs. The eighth pattern, 0 0 with F = 1, never occurs. F lies at the even bit
/// positions, where left cells are, and those of two neighbouring groups share a word, the second one shifted by one. No bit is ever moved
/// further.
/// </para>
/// <para>
/// Rejected: the six states without (f f), which are enough where free buddies always coalesce. They do not at the largest order, which
/// then would have to be no cell order of a level.
/// </para>
/// </remarks>
internal readonly struct BuddyGroup(ulong starts, ulong free)
{
    /// <summary>The base-2 logarithm of <see cref="Cells"/>: the number of orders a level covers.</summary>
    public const int Orders = 6;

    /// <summary>The cells of a group: as many as a word has bits.</summary>
    public const int Cells = 64;

    /// <summary>The left cell of every pair.</summary>
    public const ulong LeftCells = 0x5555_5555_5555_5555;

    /// <summary>Cells 1, 2, 4, 8, 16 and 32: where the right halves start when cell 0 is cut off a whole group, one for each
    /// order.</summary>
    private const ulong RightHalves = 0x1_0001_0116;

    /// <summary>A whole group that cell 0 has been cut off: not free itself, and all else is.</summary>
    public static BuddyGroup FirstCellCut
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(RightHalves | 1, RightHalves);
    }

    /// <summary>Where something starts.</summary>
    public readonly ulong Starts = starts;

    /// <summary>Where something free starts.</summary>
    public readonly ulong Free = free;

    /// <summary>The multiples of 2^order among the cells, of orders 0 to 6; the last word only makes their number a power of two.</summary>
    private static ReadOnlySpan<ulong> Aligned =>
    [
        ulong.MaxValue, LeftCells, 0x1111_1111_1111_1111, 0x0101_0101_0101_0101, 0x0001_0001_0001_0001, 0x0000_0001_0000_0001, 1, 0,
    ];

    /// <summary>The cells a block of an order may start at.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong AlignedCells(int order) => Aligned[order & 7];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BuddyGroup Decode(ulong a, ulong f) => new(StartsOf(a), f | (a & ~(a << 1) & ~LeftCells));

    /// <summary>The starts alone: word A is enough for them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong StartsOf(ulong a) => a | ((a >> 1) & LeftCells);

    public ulong A
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Starts & ~((Free >> 1) & LeftCells);
    }

    public ulong F
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Free & LeftCells;
    }

    /// <summary>The order, within the group, of the block that starts at a cell.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int OrderAt(ulong starts, int cell)
    {
        // bit d − 1: the next block, or the group's end, is d cells on
        ulong next = (starts >> cell >> 1) | (1ul << (Cells - 1 - cell));
        return BitOperations.Log2((uint)BitOperations.TrailingZeroCount(next) + 1);
    }

    /// <summary>The free blocks of exactly this order (0 to 5).</summary>
    /// <remarks>
    /// The cells are taken as fields of 2^order bits. A field whose first cell is a start is one block or the beginning of a larger one
    /// unless something else starts in it. To test all fields at once for such a bit, all ones but the top bit are added to each: a carry
    /// reaches the top bit, and never leaves the field, exactly if there was any. Of what is left, a block is larger if it is aligned for
    /// that and nothing starts right behind the field.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong OfOrder(int order)
    {
        ulong aligned = AlignedCells(order);
        int width = 1 << order;
        ulong belowTop = ~(aligned << (width - 1));
        ulong inside = Starts & ~aligned;
        ulong divided = ((inside & belowTop) + belowTop) | inside;
        return Free & aligned & ~(divided >> (width - 1)) & ((Starts >> width) | ~AlignedCells(order + 1));
    }

    /// <summary>The order that the block at a cell reaches if it coalesces with its buddies for as long as these are free: 6 if that is the
    /// whole group, and never more than the limit.</summary>
    /// <remarks>
    /// It grows until it would take in something live. All the rest is free and put together as far as possible, so that no step fails in
    /// between for another reason. A live start at cell p and this block are in the two halves of a block of order
    /// Log2(p XOR cell) + 1, so that the block reaches order Log2(p XOR cell) beside it; and no start is more in the way than the nearest
    /// one on either side.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ReachOf(int cell, int limit)
    {
        ulong live = Starts & ~Free;
        ulong right = live >> cell >> 1;
        ulong left = live & ((1ul << cell) - 1);
        int beforeRight = right == 0 ? Orders : BitOperations.Log2((uint)((cell + 1 + BitOperations.TrailingZeroCount(right)) ^ cell));
        int beforeLeft = left == 0 ? Orders : BitOperations.Log2((uint)(BitOperations.Log2(left) ^ cell));
        return Math.Min(Math.Min(beforeLeft, beforeRight), limit);
    }

    /// <summary>Whether nothing in the group is live but what starts at a cell: then the group would be free as a whole with it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsAllFreeBut(int cell) => (Starts & ~Free) == 1ul << cell;

    /// <summary>The group with one block where an order's cells are from this one on, whatever was there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BuddyGroup Join(int cell, int order, bool isFree)
    {
        ulong others = ~(((1ul << (1 << order)) - 1) << cell);
        ulong first = 1ul << cell;
        return new BuddyGroup((Starts & others) | first, (Free & others) | (isFree ? first : 0));
    }

    /// <summary>The cells, counted from a block's first, at which its right halves start when it is cut from one order down to
    /// another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Halves(int toOrder, int fromOrder) =>
        RightHalves & ~((1ul << (1 << toOrder)) - 1) & ((2ul << ((1 << fromOrder) - 1)) - 1);
}
