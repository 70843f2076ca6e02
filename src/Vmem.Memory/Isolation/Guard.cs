using System.Runtime.InteropServices;

namespace Vmem.Memory.Isolation;

/// <summary>The bytes behind a block that nobody should write.</summary>
/// <remarks>All that rounding adds is guarded, and at least <see cref="Least"/> bytes. How long the request was is kept with the region, not
/// in the guard: an overrun may destroy the pattern but not the knowledge of where it begins. There is none in front of a block, which would
/// cost its alignment; what runs under a block runs over the one before it.</remarks>
internal static unsafe class Guard
{
    public const nuint Least = 8;

    public const byte Value = 0xFB;

    public static void Set(byte* block, nuint size, nuint length) => NativeMemory.Fill(block + size, length - size, Value);

    /// <summary>The first byte of the guard that was overwritten, counted from the block's start; -1 if none was.</summary>
    public static long FirstBroken(byte* block, nuint size, nuint length)
    {
        long broken = Poison.FirstOther(block + size, length - size, Value);
        return broken < 0 ? -1 : broken + (long)size;
    }
}
