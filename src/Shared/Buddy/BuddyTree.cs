using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vmem.Checks;

namespace Vmem.Buddy;

/// <summary>The buddy system over <see cref="Units"/> units, numbered from 0: blocks of 2^order units at multiples of their size, halved on
/// demand and put together again when both halves are free.</summary>
/// <remarks>
/// <para>
/// Knowlton, "A fast storage allocator", CACM 1965; Knuth, The Art of Computer Programming, vol. 1, 2.5, algorithms R and S. The buddy of
/// the block of order k at unit u is at u XOR 2^k. This class knows no addresses, only units: the buddy allocator puts a range of
/// integers over it. It takes no lock.
/// </para>
/// <para>
/// <b>Levels, cells, groups.</b> Level L = 0, 1, … has cells of 64^L units, and keeps the blocks of orders 6L to 6L + 5. 64 cells of a
/// level are a group (<see cref="BuddyGroup"/>), and a cell of level L + 1 is as large as a group of level L. A group in use is covered by
/// its blocks. A cell of level L + 1 is <em>divided</em> if its group of level L is in use; it is marked there as a block that is not free.
/// Where the units end within a group, the cells beyond are marked as blocks of one cell that are not free. They have no buddy that
/// could ever be free with them, so that no path needs a comparison with the end.
/// </para>
/// <para>
/// So the block at a unit is found from below: the first level on which the unit's group is in use. For small blocks that is the first one
/// looked at, and its size takes one word to read.
/// </para>
/// <para>
/// <b>Finding.</b> One word tells which orders have a free block, and for each of them an index where. A request takes
/// the smallest block that is large enough, and of these the one at the lowest address; this keeps large blocks whole, and makes every
/// result a function of the history alone, as the tests' naive model wants it. No list is walked and nothing is proportional to the number
/// of blocks: a look into the index takes at most one step for each of its at most six rows, splitting and coalescing one for each level
/// passed.
/// </para>
/// <para>
/// <b>Size.</b> 1.5 bits a cell for groups, 6/64 · 64/63 for the index, and 1/63 of all that for the higher levels: 1.62 bits a unit.
/// Rejected: a bitmap of free blocks for each order (2 bits a unit in sum) beside one of split ones (2 more), where the size of a block
/// takes a walk over the orders; free lists through the blocks (the resource may be no memory),
/// and a table of orders (8 bits).
/// </para>
/// <para>
/// <b>Storage</b> is one managed array. It holds no references, so that the collector never looks into it; it needs no finaliser, no
/// Dispose and no check that it is still there, and its size is known from the beginning. Native memory, which the arena's growing tables
/// use, would buy none of that back. The words are read without bounds checks: every index comes from a unit that was compared with
/// <see cref="Units"/>, or from bits that this class has set for groups that exist. The first and the last word are guard keys.
/// </para>
/// </remarks>
internal sealed partial class BuddyTree
{
    /// <summary>More than an array has room for; below it no intermediate result overflows.</summary>
    private const long TooManyUnits = 1L << 37;

    private const int MaxLevels = 7;              // 64^6 units are 2^36, and 2^37 are too many

    private readonly ulong[] _words;
    private readonly BuddyLevel[] _levels;
    private PairStarts _firstPairs;               // of every level once more: nothing else of it is needed as often
    private readonly ulong _cookie;
    private readonly int _topOrder;
    private long _freeUnits;
    private long _freeBlocks;
    private long _liveBlocks;

    /// <summary>Cuts the units into the largest blocks that fit, going down by powers of two; all are free.</summary>
    /// <param name="units">How many units, at least 1.</param>
    /// <param name="maxOrder">No block is larger than 2^maxOrder.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no unit, more than an array's worth of bookkeeping, or a negative
    /// order.</exception>
    public BuddyTree(long units, int maxOrder)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(units, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(maxOrder);
        if (!TryLayOut(units, maxOrder, out BuddyLevel[] levels, out long words))
        {
            throw new ArgumentOutOfRangeException(nameof(units), units, $"The bookkeeping of {units} blocks of the minimum size does not fit in one array; about 8·10^10 do.");
        }

        Units = units;
        _topOrder = Math.Min(maxOrder, BitOperations.Log2((ulong)units));
        _levels = levels;
        for (int level = 0; level < levels.Length; level++)
        {
            _firstPairs[level] = levels[level].FirstPair;
        }

        _words = new ulong[words];
        Span<byte> cookie = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(cookie);
        _cookie = MemoryMarshal.Read<ulong>(cookie) ^ (ulong)units;
        FreeAll();
    }

    /// <summary>How many units there are, free and live ones.</summary>
    public long Units { get; }

    /// <summary>The largest order of any block: what was asked for, or less if there are not so many units.</summary>
    public int MaxOrder => _topOrder;

    /// <summary>The largest order that can be taken; −1 if nothing is free.</summary>
    public int LargestFreeOrder => _freeOrders == 0 ? -1 : BitOperations.Log2(_freeOrders);

    /// <summary>How many units are free.</summary>
    public long FreeUnits => _freeUnits;

    /// <summary>How many free blocks there are.</summary>
    public long FreeBlocks => _freeBlocks;

    /// <summary>How many blocks are taken.</summary>
    public long LiveBlocks => _liveBlocks;

    /// <summary>What the tree occupies, without the object itself: its words and the description of its levels.</summary>
    public long BookkeepingBytes => ((long)_words.Length * sizeof(ulong)) + ((long)_levels.Length * Unsafe.SizeOf<BuddyLevel>());

    /// <summary>Whether the guard keys at both ends of the bookkeeping are what they were.</summary>
    public bool KeysHold => _words[0] == Key(0) && _words[^1] == Key(_words.Length - 1);

    /// <summary>Whether a tree over so many units can be built.</summary>
    public static bool CanHold(long units, int maxOrder) => TryLayOut(units, maxOrder, out _, out _);

    /// <summary>Takes everything back, whoever holds it: as new, at the cost of clearing the bookkeeping.</summary>
    public void Reset()
    {
        Array.Clear(_words);
        FreeAll();
    }

    [InlineArray(MaxLevels)]
    private struct PairStarts
    {
        private int _first;
    }

    private static bool TryLayOut(long units, int maxOrder, out BuddyLevel[] levels, out long words)
    {
        levels = [];
        words = 0;
        if (units >= TooManyUnits)
        {
            return false;
        }

        levels = new BuddyLevel[(Math.Min(maxOrder, BitOperations.Log2((ulong)units)) / BuddyGroup.Orders) + 1];
        words = FirstGroups + levels.Length * BuddyGroup.Orders;
        for (int level = 0; level < levels.Length; level++)
        {
            words = BuddyLevel.LayOut(units, level, words, out levels[level]);
        }

        return ++words <= Array.MaxLength;
    }

    /// <summary>The key at a word: so that a copied stretch of memory is no key, it depends on the place.</summary>
    private ulong Key(int word) => BitOperations.RotateLeft(_cookie, 17) + ((ulong)word * 0x9E37_79B9_7F4A_7C15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref ulong Word(nint index)
    {
        Invariant.Assert((ulong)index < (ulong)_words.Length, "every index is one of the layout's");
        return ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_words), index);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref BuddyLevel Level(int level)
    {
        Invariant.Assert((uint)level < (uint)_levels.Length, "every order of the tree has a level");
        return ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_levels), level);
    }

    /// <summary>The three words of the pair that a group belongs to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref ulong Pair(int level, long group)
    {
        Invariant.Assert((uint)level < (uint)_levels.Length && (ulong)group < (ulong)_levels[level].GroupCount, "every group is one of the layout's");
        nint first = Unsafe.Add(ref Unsafe.As<PairStarts, int>(ref _firstPairs), level);
        return ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_words), first + ((nint)(group >> 1) * BuddyLevel.PairWords));
    }

    /// <summary>The state of the even or odd group of a pair.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static BuddyGroup Load(ref ulong pair, int odd) =>
        BuddyGroup.Decode(Unsafe.Add(ref pair, odd), (Unsafe.Add(ref pair, 2) >> odd) & BuddyGroup.LeftCells);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(ref ulong pair, int odd, BuddyGroup state)
    {
        Invariant.Assert((state.Free & ~state.Starts) == 0 && (state.Starts == 0 || (state.Starts & 1) != 0), "what is free starts, and a group in use is covered from its first cell");
        ref ulong f = ref Unsafe.Add(ref pair, 2);
        f = (f & ~(BuddyGroup.LeftCells << odd)) | (state.F << odd);
        Unsafe.Add(ref pair, odd) = state.A;
    }

    /// <summary>The block's order decides on which level it is, this far up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LevelOf(int order) => (int)((uint)order / BuddyGroup.Orders);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowNoUnit(long unit) => throw new ArgumentOutOfRangeException(nameof(unit), unit, "There is no such unit.");
}
