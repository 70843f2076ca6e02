using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>The record of a slab: pages that are cut into blocks of one class, and which of these are in the slab.</summary>
/// <remarks>
/// <para>
/// Kept apart from the pages: an overrun of a block cannot reach it, blocks have no headers, and a free that goes to a magazine touches
/// neither block nor record. One bit for each block that has been out and is back; blocks from <see cref="Untouched"/> on have never been
/// out, so their memory has never been touched.
/// </para>
/// <para>Rejected: a list through the free blocks, which is shorter to write, but has every block's line come into the cache on the way to
/// the slab and once more on the way out.</para>
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Slab
{
    public nuint Start;
    public Slab* Next;                            // in its class's list of slabs with free blocks
    public Slab* Previous;
    public Slab* Older;                           // of its class's slabs, whether they have free blocks or not
    public Slab* Newer;
    public int SizeClass;
    public int Capacity;
    public int Free;                              // in the slab, touched or not
    public int Untouched;                         // the first block that has never been out
    public int Hint;                              // no bit is set in a word before it

    /// <summary>The bits follow the record.</summary>
    private static ulong* Bits(Slab* slab) => (ulong*)(slab + 1);

    public static nuint BytesFor(int capacity) => (nuint)sizeof(Slab) + ((nuint)(capacity + 63) / 64 * sizeof(ulong));

    /// <summary>Makes a record that of a slab with all its blocks.</summary>
    public static void Initialize(Slab* slab, nuint start, int sizeClass, int capacity)
    {
        Invariant.Assert(slab is not null && start != 0 && capacity > 0, "a slab has pages, a record and blocks");
        NativeMemory.Clear(slab, BytesFor(capacity));
        slab->Start = start;
        slab->SizeClass = sizeClass;
        slab->Capacity = capacity;
        slab->Free = capacity;
    }

    /// <summary>Takes blocks out, those that were out before and lie lowest first. Returns how many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Take(Slab* slab, int size, Span<nuint> blocks)
    {
        int taken = 0;
        ulong* bits = Bits(slab);
        int words = (slab->Untouched + 63) / 64;
        int word = slab->Hint;
        for (; word < words && taken < blocks.Length; word++)
        {
            ulong free = bits[word];
            while (free != 0 && taken < blocks.Length)
            {
                int index = (word * 64) + BitOperations.TrailingZeroCount(free);
                free &= free - 1;
                blocks[taken++] = slab->Start + (nuint)(index * size);
            }

            bits[word] = free;
            if (free != 0)
            {
                break;
            }
        }

        slab->Hint = word;
        for (; taken < blocks.Length && slab->Untouched < slab->Capacity; taken++)
        {
            blocks[taken] = slab->Start + (nuint)(slab->Untouched++ * size);
        }

        Invariant.Assert(taken <= slab->Free && (taken == blocks.Length || taken == slab->Free), "a slab gives what it counts, and all of it before it gives too few");
        slab->Free -= taken;
        return taken;
    }

    /// <summary>Puts a block back. False, and nothing is changed, if it is in the slab already.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryGive(Slab* slab, int index)
    {
        ref ulong word = ref Bits(slab)[index >> 6];
        ulong bit = 1ul << index;
        if ((word & bit) != 0 || index >= slab->Untouched)
        {
            return false;
        }

        Invariant.Assert(index >= 0 && slab->Free < slab->Capacity, "a block that comes back was not counted as free");
        word |= bit;
        slab->Free++;
        slab->Hint = Math.Min(slab->Hint, index >> 6);
        return true;
    }

    /// <summary>The first block from one on that is out, or that is not; the capacity if there is none.</summary>
    public static int NextOf(Slab* slab, int first, bool isOut)
    {
        for (int index = first; index < slab->Untouched; index = (index | 63) + 1)
        {
            ulong free = Bits(slab)[index >> 6];
            ulong wanted = (isOut ? ~free : free) >> index;
            if (wanted != 0 && index + BitOperations.TrailingZeroCount(wanted) is var found && found < slab->Untouched)
            {
                return found;
            }
        }

        return isOut ? slab->Capacity : Math.Max(first, slab->Untouched);
    }

    /// <summary>True if the block is out, as far as the slab knows. What lies in magazines is out.</summary>
    public static bool IsOut(Slab* slab, int index) => index < slab->Untouched && (Bits(slab)[index >> 6] >> index & 1) == 0;
}
