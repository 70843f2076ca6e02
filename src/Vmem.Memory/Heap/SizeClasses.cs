using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>The sizes that small blocks come in.</summary>
/// <remarks>
/// <para>
/// 16, 32, 48 and 64 bytes; above, each power of two is followed by eight sizes, an eighth of it apart. A request of s bytes, 2^k &lt; s ≤
/// 2^(k + 1), gets a block that is longer by less than 2^k / 8 and itself longer than 2^k: it wastes less than 1/9 of the block, 11.1 %.
/// (At worst s is one more than a power of two and gets 9/8 of it.) Above 1 KiB there are sixteen, and it wastes less than 1/17, 5.9 %: a
/// database asks for thousands of blocks of a power of two and a header. Below, a class too many costs a program more, which is a page that
/// it hardly uses.
/// </para>
/// <para>
/// Blocks lie one after the other from a multiple of their slab's alignment, so each starts at a multiple of the largest power of two
/// that divides its class: of 16 for every request of at most 64 bytes or of a multiple of 16 bytes, else of 8. (An object that needs 16
/// has a size that is a multiple of 16.) Rejected: multiples of 16 everywhere, which costs 18.75 % for 65 bytes.
/// </para>
/// <para>Classes are numbered from 1; 0 is "none".</para>
/// </remarks>
internal static unsafe class SizeClasses
{
    /// <summary>The largest small block. Above it, blocks are whole pages, of which they waste a ninth at most, too.</summary>
    public const int Largest = 32 * 1024;

    /// <summary>One more than the number of classes: 4 up to 64, 8 for each of the four powers of two up to 1 KiB, and 16 for each of the
    /// five up to <see cref="Largest"/>.</summary>
    public const int Count = 1 + 4 + (8 * 4) + (16 * 5);

    /// <summary>What sizes are rounded up to before their class is looked up. Every block starts at a multiple of it.</summary>
    public const int Grain = 8;

    /// <summary>The most rounds of a magazine: those of blocks of at most 256 bytes.</summary>
    public const int MostRounds = 64;

    // Outside the managed heap: the JIT makes its address a constant. It is never freed.
    private static readonly byte* s_classes = BuildClasses();
    private static readonly ushort* s_sizes = BuildSizes();
    private static readonly byte* s_slotShifts = BuildSlotShifts();

    /// <summary>The class of a size from 1 to <see cref="Largest"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte Of(nuint size) => s_classes[(size + Grain - 1) / Grain];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SizeOf(int sizeClass)
    {
        Invariant.Assert((uint)sizeClass < Count, "a class has a size");
        return s_sizes[sizeClass];
    }

    /// <summary>How the bytes of a class's blocks are found (<see cref="BlockStates"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte SlotShiftOf(int sizeClass)
    {
        Invariant.Assert((uint)sizeClass <= Count, "what is no class has none");
        return s_slotShifts[sizeClass];
    }

    /// <summary>True if it is the number of a class.</summary>
    public static bool Contains(int number) => (uint)number - 1 < Count - 1;

    /// <summary>M, the rounds of a magazine and of every batch between it and the depot. The paper's, near enough: few of the long blocks,
    /// so that what threads hold is bounded: 16 KiB at a time, and at least 2 blocks.</summary>
    public static int Rounds(int sizeClass) => Math.Clamp((16 * 1024) / SizeOf(sizeClass), 2, MostRounds);

    /// <summary>The smallest class for a size whose blocks all start at multiples of an alignment, if the first one does; 0 if there is
    /// none.</summary>
    public static int Aligned(nuint size, nuint alignment)
    {
        for (int sizeClass = Of(size); sizeClass < Count; sizeClass++)
        {
            if (((nuint)SizeOf(sizeClass) & (alignment - 1)) == 0)
            {
                return sizeClass;
            }
        }

        return 0;
    }

    private static int ClassOf(int size)
    {
        if (size <= 64)
        {
            return (size + 15) / 16;
        }

        int power = BitOperations.Log2((uint)size - 1);
        return power < 10
            ? 4 + ((power - 6) * 8) + ((size - 1 - (1 << power)) >> (power - 3)) + 1
            : 4 + (8 * 4) + ((power - 10) * 16) + ((size - 1 - (1 << power)) >> (power - 4)) + 1;
    }

    private static byte* BuildClasses()
    {
        const int Entries = (Largest / Grain) + 1;
        var classes = (byte*)NativeMemory.AllocZeroed(Entries);
        for (int i = 1; i < Entries; i++)
        {
            classes[i] = (byte)ClassOf(i * Grain);
        }

        return classes;
    }

    // With an entry for what stands for the starter arena, and one for what is no class.
    private static byte* BuildSlotShifts()
    {
        var shifts = (byte*)NativeMemory.Alloc(Count + 1);
        shifts[0] = shifts[Count] = BlockStates.NoShift;
        for (int sizeClass = 1; sizeClass < Count; sizeClass++)
        {
            shifts[sizeClass] = BlockStates.ShiftFor(SizeOf(sizeClass));
        }

        return shifts;
    }

    private static ushort* BuildSizes()
    {
        var sizes = (ushort*)NativeMemory.AllocZeroed(Count, sizeof(ushort));
        for (int size = Grain; size <= Largest; size += Grain)
        {
            sizes[ClassOf(size)] = (ushort)size;
        }

        return sizes;
    }
}
