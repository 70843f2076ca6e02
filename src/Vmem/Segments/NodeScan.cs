using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vmem.Segments;

/// <summary>Comparing one value with all the slots of a tree node: bit i of a mask answers for slot i.</summary>
/// <remarks>
/// A node's slots are compared whole, the unused ones too, and their bits masked off: for 64-bit keys that is four comparisons and no
/// branch that depends on them. Rejected: binary search, five steps each of which waits for the one before; see docs/design.md for what
/// the change brought.
/// </remarks>
internal static unsafe class NodeScan
{
    /// <summary>Slots of a node: the bits of a mask.</summary>
    public const int Width = 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint AtLeast<T>(T* slots, T bound)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        uint mask = 0;
        if (Vector512.IsHardwareAccelerated && Vector512<T>.IsSupported && Vector512<T>.Count <= Width)
        {
            Vector512<T> bounds = Vector512.Create(bound);
            for (int i = 0; i < Width; i += Vector512<T>.Count)
            {
                mask |= (uint)Vector512.GreaterThanOrEqual(Vector512.Load(slots + i), bounds).ExtractMostSignificantBits() << i;
            }

            return mask;
        }

        if (Vector256.IsHardwareAccelerated && Vector256<T>.IsSupported)
        {
            Vector256<T> bounds = Vector256.Create(bound);
            for (int i = 0; i < Width; i += Vector256<T>.Count)
            {
                mask |= Vector256.GreaterThanOrEqual(Vector256.Load(slots + i), bounds).ExtractMostSignificantBits() << i;
            }

            return mask;
        }

        for (int i = 0; i < Width; i++)
        {
            mask |= (slots[i] >= bound ? 1u : 0) << i;
        }

        return mask;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Above<T>(T* slots, T bound)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        uint mask = 0;
        if (Vector512.IsHardwareAccelerated && Vector512<T>.IsSupported && Vector512<T>.Count <= Width)
        {
            Vector512<T> bounds = Vector512.Create(bound);
            for (int i = 0; i < Width; i += Vector512<T>.Count)
            {
                mask |= (uint)Vector512.GreaterThan(Vector512.Load(slots + i), bounds).ExtractMostSignificantBits() << i;
            }

            return mask;
        }

        if (Vector256.IsHardwareAccelerated && Vector256<T>.IsSupported)
        {
            Vector256<T> bounds = Vector256.Create(bound);
            for (int i = 0; i < Width; i += Vector256<T>.Count)
            {
                mask |= Vector256.GreaterThan(Vector256.Load(slots + i), bounds).ExtractMostSignificantBits() << i;
            }

            return mask;
        }

        for (int i = 0; i < Width; i++)
        {
            mask |= (slots[i] > bound ? 1u : 0) << i;
        }

        return mask;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint EqualTo<T>(T* slots, T value)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        uint mask = 0;
        if (Vector512.IsHardwareAccelerated && Vector512<T>.IsSupported && Vector512<T>.Count <= Width)
        {
            Vector512<T> values = Vector512.Create(value);
            for (int i = 0; i < Width; i += Vector512<T>.Count)
            {
                mask |= (uint)Vector512.Equals(Vector512.Load(slots + i), values).ExtractMostSignificantBits() << i;
            }

            return mask;
        }

        if (Vector256.IsHardwareAccelerated && Vector256<T>.IsSupported)
        {
            Vector256<T> values = Vector256.Create(value);
            for (int i = 0; i < Width; i += Vector256<T>.Count)
            {
                mask |= Vector256.Equals(Vector256.Load(slots + i), values).ExtractMostSignificantBits() << i;
            }

            return mask;
        }

        for (int i = 0; i < Width; i++)
        {
            mask |= (slots[i] == value ? 1u : 0) << i;
        }

        return mask;
    }

    /// <summary>Which of the slots' intervals meet [low, high].</summary>
    public static uint Within<T>(T* least, T* largest, T low, T high)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
        AtLeast(largest, low) & (~AtLeast(least, high) | EqualTo(least, high));

    /// <summary>The first slot in [from, count) whose bit is set; count if there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int First(uint mask, int from, int count) =>
        BitOperations.TrailingZeroCount((mask & (ulong.MaxValue << from)) | (1ul << count));

    /// <summary>The last slot in [0, to] whose bit is set; −1 if there is none, or if <paramref name="to"/> is −1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Last(uint mask, int to) => 31 - BitOperations.LeadingZeroCount((uint)(mask & ((2ul << to) - 1) & (ulong)~(to >> 31)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Largest<T>(T* slots, int count)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        T largest = T.Zero;
        int i = 0;
        if (Vector256.IsHardwareAccelerated && Vector256<T>.IsSupported)
        {
            Vector256<T> most = Vector256<T>.Zero;
            for (; i <= count - Vector256<T>.Count; i += Vector256<T>.Count)
            {
                most = Vector256.Max(most, Vector256.Load(slots + i));
            }

            for (int lane = 0; lane < Vector256<T>.Count; lane++)
            {
                largest = most[lane] > largest ? most[lane] : largest;
            }
        }

        for (; i < count; i++)
        {
            largest = slots[i] > largest ? slots[i] : largest;
        }

        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Least<T>(T* slots, int count)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        T least = T.MaxValue;
        int i = 0;
        if (Vector256.IsHardwareAccelerated && Vector256<T>.IsSupported)
        {
            Vector256<T> lanes = Vector256.Create(T.MaxValue);
            for (; i <= count - Vector256<T>.Count; i += Vector256<T>.Count)
            {
                lanes = Vector256.Min(lanes, Vector256.Load(slots + i));
            }

            for (int lane = 0; lane < Vector256<T>.Count; lane++)
            {
                least = lanes[lane] < least ? lanes[lane] : least;
            }
        }

        for (; i < count; i++)
        {
            least = slots[i] < least ? slots[i] : least;
        }

        return least;
    }
}
