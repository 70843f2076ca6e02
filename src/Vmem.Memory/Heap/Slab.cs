using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>The record of a slab: pages that are cut into blocks of one class, and which of these are in the slab.</summary>
/// <remarks>
/// <para>
/// Kept apart from the pages: an overrun of a block cannot reach it, blocks have no headers, and a free that goes to a magazine touches
/// neither block nor record. One bit for each block before <see cref="Untouched"/> that is free: it is back, or was passed over. Blocks
/// from there on have never been out, so their memory has never been touched.
/// </para>
/// <para>Rejected: a list through the free blocks, which is shorter to write, but has every block's line come into the cache on the way to
/// the slab and once more on the way out.</para>
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe partial struct Slab
{
    public nuint Start;
    public Slab* Next;                            // in its class's list of slabs with free blocks
    public Slab* Previous;
    public Slab* Older;                           // of its class's slabs, whether they have free blocks or not
    public Slab* Newer;
    public int Capacity;
    public int Free;                              // in the slab, touched or not
    public int Untouched;                         // neither this block nor one behind it has ever been out
    public int Hint;                              // no bit is set in a word before it
    public ulong Gone;                            // a bit for each page that has no memory; more may have none

    /// <summary>The bits follow the record.</summary>
    private static ulong* Bits(Slab* slab) => (ulong*)(slab + 1);

    public static nuint BytesFor(int capacity) => (nuint)sizeof(Slab) + ((nuint)(capacity + 63) / 64 * sizeof(ulong));

    /// <summary>Makes a record that of a slab with all its blocks.</summary>
    /// <param name="slab">The record.</param>
    /// <param name="start">Where its pages start.</param>
    /// <param name="capacity">How many blocks it has.</param>
    /// <param name="clean">The bits of its pages that have no memory.</param>
    public static void Initialize(Slab* slab, nuint start, int capacity, ulong clean)
    {
        Invariant.Assert(slab is not null && start != 0 && capacity > 0, "a slab has pages, a record and blocks");
        NativeMemory.Clear(slab, BytesFor(capacity));
        slab->Start = start;
        slab->Capacity = capacity;
        slab->Free = capacity;
        slab->Gone = clean;
    }

    /// <summary>Takes blocks out. Returns how many.</summary>
    /// <param name="slab">The slab.</param>
    /// <param name="geometry">How it is cut.</param>
    /// <param name="blocks">Where they go. Those with a bit come first, the lowest of them first, but for blocks that lie apart.</param>
    /// <param name="apart">Whether their bytes in <see cref="Window.BlockStates"/> shall have a cache line to themselves, if there is
    /// room.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Take(Slab* slab, in SlabGeometry geometry, Span<nuint> blocks, bool apart)
    {
        int size = geometry.Size;
        int taken = apart && TrySkipLine(slab, geometry, blocks.Length) ? 0 : TakeBack(slab, size, blocks);
        int fresh = Math.Min(blocks.Length - taken, slab->Capacity - slab->Untouched);
        nuint next = slab->Start + (nuint)(slab->Untouched * size);
        foreach (ref nuint block in blocks.Slice(taken, fresh))
        {
            block = next;
            next += (nuint)size;
        }

        slab->Untouched += fresh;
        taken += fresh;
        Invariant.Assert(taken <= slab->Free && (taken == blocks.Length || taken == slab->Free), "a slab gives what it counts, and all of it before it gives too few");
        slab->Free -= taken;
        if (slab->Gone != 0 && taken > 0)
        {
            slab->Gone &= ~PagesOf(blocks[0] - slab->Start, blocks[taken - 1] + (nuint)size - slab->Start);
        }

        return taken;
    }

    /// <summary>Takes blocks that have a bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int TakeBack(Slab* slab, int size, Span<nuint> blocks)
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
        return taken;
    }

    /// <summary>Blocks that have never been out are passed over, as if they were back, up to the first whose byte in
    /// <see cref="Window.BlockStates"/> is on another line. False, and nothing is changed, if too few lie behind these.</summary>
    private static bool TrySkipLine(Slab* slab, in SlabGeometry geometry, int wanted)
    {
        nuint line = geometry.BytesByLine;
        nuint size = (nuint)geometry.Size;
        nuint end = (((nuint)slab->Untouched * size) + line - 1) / line * line;
        int first = (int)((end + size - 1) / size);
        Invariant.Assert(first >= slab->Untouched, "only blocks that have never been out are passed over");
        if (first + wanted > slab->Capacity)
        {
            return false;
        }

        slab->Hint = Math.Min(slab->Hint, slab->Untouched >> 6);
        for (; slab->Untouched < first; slab->Untouched++)
        {
            Bits(slab)[slab->Untouched >> 6] |= 1ul << slab->Untouched;
        }

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

    /// <summary>Gives the memory of all pages back on which no block is out.</summary>
    /// <param name="slab">The slab.</param>
    /// <param name="geometry">How it is cut.</param>
    /// <param name="again">Also of those that have none, as <see cref="Gone"/> says: a huge page may have brought some back on which no
    /// block lies.</param>
    /// <returns>How many bytes had memory, as far as <see cref="Gone"/> says.</returns>
    public static nuint Discard(Slab* slab, in SlabGeometry geometry, bool again)
    {
        nuint discarded = 0;
        nuint size = (nuint)geometry.Size;
        nuint mask = HeapSpace.PageSize - 1;
        for (int first = NextOf(slab, 0, isOut: false); first < slab->Capacity;)
        {
            int end = NextOf(slab, first, isOut: true);
            nuint from = (((nuint)first * size) + mask) & ~mask;
            nuint to = (end == slab->Capacity ? geometry.Bytes : (nuint)end * size) & ~mask;
            ulong pages = from < to ? PagesOf(from, to) & ~(again ? 0 : slab->Gone) : 0;
            while (pages != 0)
            {
                StepCounter.Count();
                ulong before = pages;
                (nuint start, nuint length) = TakeRun(slab, ref pages);
                VirtualMemory.Discard((void*)start, length);
                ulong gone = before & ~pages;
                discarded += (nuint)BitOperations.PopCount(gone & ~slab->Gone) * HeapSpace.PageSize;
                slab->Gone |= gone;
            }

            first = NextOf(slab, end, isOut: false);
        }

        return discarded;
    }

    /// <summary>The pages of a slab that is to go are clean as far as they have no memory, as <see cref="Gone"/> says. Else they would go
    /// back, and be counted, once more, and real holes would stay for them.</summary>
    public static void ForgetGone(Slab* slab, HeapSpace space)
    {
        for (ulong pages = slab->Gone; pages != 0;)
        {
            (nuint start, nuint size) = TakeRun(slab, ref pages);
            space.NoteClean(start, size);
        }
    }

    /// <summary>True if one of its pages has no memory, as <see cref="Gone"/> says. None on which a block is out may be such a
    /// page.</summary>
    /// <param name="slab">The slab.</param>
    /// <param name="block">How far into it the block starts.</param>
    /// <param name="size">How long it is.</param>
    public static bool IsGone(Slab* slab, nuint block, int size) => (slab->Gone & PagesOf(block, block + (nuint)size)) != 0;

    /// <summary>The first pages whose bits are set, as many as follow one another. Their bits are taken away.</summary>
    private static (nuint Start, nuint Size) TakeRun(Slab* slab, ref ulong pages)
    {
        int page = BitOperations.TrailingZeroCount(pages);
        int count = BitOperations.TrailingZeroCount(~(pages >> page));
        pages &= ~(ulong.MaxValue >> (64 - count) << page);
        return (slab->Start + ((nuint)page * HeapSpace.PageSize), (nuint)count * HeapSpace.PageSize);
    }

    /// <summary>The bits of the pages in which some of a slab lies.</summary>
    private static ulong PagesOf(nuint from, nuint to)
    {
        int first = (int)(from / HeapSpace.PageSize);
        int last = (int)((to - 1) / HeapSpace.PageSize);
        Invariant.Assert(last is >= 0 and < 64 && first <= last, "a slab has at most 64 pages");
        return ulong.MaxValue << first & ulong.MaxValue >> (63 - last);
    }

    /// <summary>True if the block is out, as far as the slab knows. What lies in magazines is out.</summary>
    public static bool IsOut(Slab* slab, int index) => index < slab->Untouched && (Bits(slab)[index >> 6] >> index & 1) == 0;
}
