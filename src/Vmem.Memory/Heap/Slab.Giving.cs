using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Memory.Heap;

// How blocks come back: a row of them at once, or one by one.
internal unsafe partial struct Slab
{
    /// <summary>Puts blocks back, as many of the first ones as lie in this slab.</summary>
    /// <remarks>A batch that was allocated together comes back together, mostly: so what is the same for all blocks of a slab is not looked
    /// up for each.</remarks>
    /// <param name="slab">The slab, in which the first lies.</param>
    /// <param name="geometry">How it is cut.</param>
    /// <param name="states">The bytes that say which of its blocks are with users; null: there are none.</param>
    /// <param name="blocks">The blocks.</param>
    /// <param name="wrong">Becomes an address that is none of the slab's blocks, or is one that is not out; else it is left.</param>
    /// <returns>The others.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ReadOnlySpan<nuint> Give(
        Slab* slab, in SlabGeometry geometry, byte* states, ReadOnlySpan<nuint> blocks, scoped ref nuint wrong)
    {
        nuint start = slab->Start;
        SlabGeometry cut = geometry;
        ulong* bits = Bits(slab);
        int hint = slab->Hint;
        int given = 0;
        int i = 0;
        for (; i < blocks.Length && blocks[i] - start < cut.Bytes; i++)
        {
            nuint offset = blocks[i] - start;
            ulong bit;
            if (!cut.TryIndex(offset, out int index) || index >= slab->Untouched
                || (states is not null && states[cut.SlotOf(offset)] != 0) || (bits[index >> 6] & (bit = 1ul << index)) != 0)
            {
                wrong = blocks[i];
                continue;
            }

            bits[index >> 6] |= bit;
            hint = Math.Min(hint, index >> 6);
            given++;
        }

        StepCounter.Count(i);
        slab->Hint = hint;
        slab->Free += given;
        Invariant.Assert(i > 0 && slab->Free <= slab->Capacity, "blocks that come back were not counted as free");
        return blocks[i..];
    }

    /// <summary>Puts back those of a row of blocks that lie in this slab. A row has at most as many as a word has bits.</summary>
    /// <param name="slab">The slab, in which the first lies.</param>
    /// <param name="geometry">How it is cut.</param>
    /// <param name="states">The bytes that say which of its blocks are with users; null: there are none.</param>
    /// <param name="row">The blocks, each of which follows the one before in memory, or each of which precedes it.</param>
    /// <returns>How many they are; 0, and nothing is changed, if not all of them are blocks that are out.</returns>
    public static int GiveRow(Slab* slab, in SlabGeometry geometry, byte* states, ReadOnlySpan<nuint> row)
    {
        Invariant.Assert(row.Length is > 0 and <= 64, "a row is no longer than a word has bits");
        nuint offset = row[0] - slab->Start;
        if (!geometry.TryIndex(offset, out int first))
        {
            return 0;
        }

        bool isUpward = row[^1] > row[0];
        int count = Math.Min(row.Length, isUpward ? slab->Capacity - first : first + 1);
        first -= isUpward ? 0 : count - 1;
        ulong* bits = Bits(slab) + (first >> 6);
        ulong run = ulong.MaxValue >> (64 - count);
        ulong low = run << first;
        ulong high = (first & 63) == 0 ? 0 : run >> (64 - first);
        if (first + count > slab->Untouched || (bits[0] & low) != 0 || (high != 0 && (bits[1] & high) != 0)
            || (states is not null && !AreFree(geometry, states, first, count)))
        {
            return 0;
        }

        StepCounter.Count();
        bits[0] |= low;
        if (high != 0)
        {
            bits[1] |= high;
        }

        slab->Hint = Math.Min(slab->Hint, first >> 6);
        slab->Free += count;
        Invariant.Assert(slab->Free <= slab->Capacity, "blocks that come back were not counted as free");
        return count;
    }

    /// <summary>True if none of some blocks that follow one another is with a user.</summary>
    private static bool AreFree(in SlabGeometry geometry, byte* states, int first, int count)
    {
        nuint slot = geometry.SlotOf((nuint)(first * geometry.Size));
        nuint last = geometry.SlotOf((nuint)((first + count - 1) * geometry.Size));
        return !new ReadOnlySpan<byte>(states + slot, (int)(last - slot) + 1).ContainsAnyExcept((byte)0);
    }
}
