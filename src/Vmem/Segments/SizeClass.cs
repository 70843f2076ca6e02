using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Segments;

/// <summary>Which free list a size belongs to.</summary>
/// <remarks>
/// <para>
/// Sizes up to 127 units have a list each. Above, each power of two is cut into 64 lists of equal width, as the two-level lists of TLSF are
/// (Masmano et al., 2004): no list is wider than 1/64 of its sizes.
/// </para>
/// <para>
/// The paper's lists, one for each power of two, waste what lies between a request and the next power of two: in the fragmentation ramp of
/// docs/performance.md libumem's fail at 70.9 % occupancy, these at 98.9 %. 64 lists to a power of two; fewer would save
/// heads, and reach less far with exact lists. No other number was measured.
/// </para>
/// </remarks>
internal static class SizeClass
{
    /// <summary>log2 of the lists of a power of two.</summary>
    public const int StepBits = 6;

    /// <summary>How many lists a power of two has.</summary>
    public const int Steps = 1 << StepBits;

    /// <summary>The first list whose members may differ in size; the number of a list below it is their size.</summary>
    public const int FirstWide = 2 * Steps;

    /// <summary>The list of free segments of this many units (at least 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe int Of<T>(T units)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        if (sizeof(T) > sizeof(ulong))
        {
            UInt128 wide = UInt128.CreateTruncating(units);
            int wideShift = 127 - (int)UInt128.LeadingZeroCount(wide | Steps) - StepBits;
            return (wideShift << StepBits) + (int)(wide >> wideShift);
        }

        ulong narrow = ulong.CreateTruncating(units);
        int shift = BitOperations.Log2(narrow | Steps) - StepBits;
        return (shift << StepBits) + (int)(narrow >> shift);
    }

    /// <summary>The first list all of whose members are at least this many units long.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe int Sure<T>(T units)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        if (sizeof(T) > sizeof(ulong))
        {
            UInt128 wide = UInt128.CreateTruncating(units) - UInt128.One;
            int wideShift = 127 - (int)UInt128.LeadingZeroCount(wide | Steps) - StepBits;
            return (wideShift << StepBits) + (int)(wide >> wideShift) + 1;
        }

        // One above the list of (units - 1): for an exact list that is the list of units itself, for a wide one the next, unless units
        // opens the list.
        ulong narrow = ulong.CreateTruncating(units) - 1;
        int shift = BitOperations.Log2(narrow | Steps) - StepBits;
        return (shift << StepBits) + (int)(narrow >> shift) + 1;
    }

    /// <summary>How many low bits of a size, in units, differ between the members of a list.</summary>
    public static int Bits(int sizeClass) => Math.Max(0, (sizeClass >> StepBits) - 1);
}
