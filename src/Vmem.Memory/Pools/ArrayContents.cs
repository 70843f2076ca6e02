using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Memory.Poisoning;

namespace Vmem.Memory.Pools;

/// <summary>What fills an array that nobody should read, or write to.</summary>
/// <remarks>Elements that hold references can only be null: a collector follows every other value.</remarks>
internal static class ArrayContents<T>
{
    public const byte Fresh = Pattern.Fresh;
    public const byte Freed = Pattern.Freed;

    /// <summary>Elements whose bytes a span can count. Arbitrary beyond that.</summary>
    private static readonly int s_part = Math.Max(1, (1 << 28) / Unsafe.SizeOf<T>());

    public static void Fill(T[] array, byte value)
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
        {
            Array.Clear(array);                   // a reference is written whole: a collector may be looking
            return;
        }

        for (int from = 0; from < array.Length; from += s_part)
        {
            Bytes(array, from).Fill(Value(value));
        }
    }

    /// <summary>The first element that does not hold the value; -1 if all do.</summary>
    public static int FindOther(T[] array, byte value)
    {
        for (int from = 0; from < array.Length; from += s_part)
        {
            int found = Bytes(array, from).IndexOfAnyExcept(Value(value));
            if (found >= 0)
            {
                return from + (found / Unsafe.SizeOf<T>());
            }
        }

        return -1;
    }

    private static byte Value(byte value) => RuntimeHelpers.IsReferenceOrContainsReferences<T>() ? (byte)0 : value;

    /// <summary>A part of the array. Of references only zeroes are written. An array of a type may really be one of a type derived
    /// from it, of which a span of elements must not be made: so its bytes are reached by the first element's place.</summary>
    private static Span<byte> Bytes(T[] array, int from) => MemoryMarshal.CreateSpan(
        ref Unsafe.As<T, byte>(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(array), from)),
        Math.Min(s_part, array.Length - from) * Unsafe.SizeOf<T>());
}
