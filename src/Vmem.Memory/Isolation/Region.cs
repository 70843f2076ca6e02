using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Buddy;

namespace Vmem.Memory.Isolation;

/// <summary>A piece of a context that one client holds, and all that is known of the blocks in it.</summary>
/// <remarks>
/// <para>
/// A region that is divided has a buddy tree, which knows for each block where it starts, how long it is and whether the tree has given it
/// out; and one bit for each unit at which a block of the client's <em>user</em> starts. A block given out by the tree but without that bit
/// is cached by the client. The bit is what every free is checked against.
/// </para>
/// <para>
/// All of this lies in managed arrays, outside the memory it describes: a client that scribbles over its blocks cannot reach it, and nothing
/// of it leaks with a context that nobody disposes of. It costs 1.64 + 1 bits a unit: 2 % of the region with units of 16 bytes. Rejected: an
/// 8-bit order and state for each unit, which saves an instruction or two in a free but costs 6 %, and 400 KB of clearing after a client of
/// 100,000 small blocks; links through the free blocks, which a stray write would turn into the allocator's own stray write.
/// </para>
/// </remarks>
internal sealed class Region
{
    private readonly ulong[] _live;               // by unit; empty for a large block's region
    private readonly uint[] _slack;               // by unit, with guard bytes only: how much shorter the request was than its block
    private bool _stale;                          // the bits are those of a client that is gone

    /// <summary>The record of a region of so many units, 2^<paramref name="regionClass"/> granules; 0 units: one large block of any length.
    /// With <paramref name="remembersSizes"/> it has room for the sizes that were asked for.</summary>
    public Region(int units, int regionClass, bool remembersSizes)
    {
        Class = regionClass;
        Tree = units == 0 ? null : new BuddyTree(units, BitOperations.Log2((uint)units));
        _live = units == 0 ? [] : new ulong[units / 64];
        _slack = remembersSizes ? new uint[Math.Max(units, 1)] : [];
    }

    /// <summary>The logarithm of its number of granules, for one that is divided.</summary>
    public int Class { get; }

    public BuddyTree? Tree { get; }

    public bool IsLarge => Tree is null;

    /// <summary>Where it starts, in bytes from the context's start.</summary>
    public nuint Offset { get; set; }

    public nuint Size { get; set; }

    public MemoryClient? Owner { get; set; }

    /// <summary>How many blocks in it the client's user holds.</summary>
    public int LiveBlocks { get; set; }

    public Region? Previous { get; set; }

    public Region? Next { get; set; }

    /// <summary>Which of its client's lists it is in; see <see cref="RegionLists"/>.</summary>
    public int List { get; set; }

    public long BookkeepingBytes => (Tree?.BookkeepingBytes ?? 0) + (_live.Length * 8L) + (_slack.Length * 4L);

    /// <summary>Makes it the client's, with nothing in it.</summary>
    public void Open(MemoryClient owner, nuint offset, nuint size)
    {
        if (_stale)
        {
            Array.Clear(_live);
            Tree?.Reset();
            _stale = false;
        }

        Owner = owner;
        Offset = offset;
        Size = size;
        LiveBlocks = 0;
    }

    /// <summary>Forgets what is in it: the work is put off until somebody opens it again.</summary>
    public void Close()
    {
        Owner = null;
        _stale = true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsLive(nuint unit) => (_live[unit >> 6] >> (int)unit & 1) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetLive(nuint unit) => _live[unit >> 6] |= 1ul << (int)unit;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ClearLive(nuint unit) => _live[unit >> 6] &= ~(1ul << (int)unit);

    public uint SlackAt(nuint unit) => _slack[unit];

    public void SetSlack(nuint unit, uint slack) => _slack[unit] = slack;

    /// <summary>The first unit from <paramref name="from"/> on at which a live block starts; -1 if there is none.</summary>
    public long NextLive(long from)
    {
        for (long word = from >> 6; word < _live.Length; word++)
        {
            ulong bits = _live[word] & (word == from >> 6 ? ulong.MaxValue << (int)from : ulong.MaxValue);
            if (bits != 0)
            {
                return (word << 6) + BitOperations.TrailingZeroCount(bits);
            }
        }

        return -1;
    }
}
