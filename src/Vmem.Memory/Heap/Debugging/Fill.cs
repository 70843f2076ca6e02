using System.Runtime.InteropServices;
using Vmem.Memory.Isolation;

namespace Vmem.Memory.Heap.Debugging;

/// <summary>What bytes hold that nobody should read, or nobody should write.</summary>
/// <remarks>The values are those of Microsoft's debugging C library, which debuggers' users know by sight, but for the red zone's, which is that of the
/// guards of isolated clients. As addresses they are none that a system hands out.</remarks>
internal static unsafe class Fill
{
    public const byte Fresh = 0xCD;
    public const byte Freed = Poison.Value;
    public const byte RedZone = Guard.Value;

    public static void Set(nuint start, nuint end, byte value) => NativeMemory.Fill((void*)start, end - start, value);

    /// <summary>The first address that does not hold the value; false if all do.</summary>
    public static bool TryFindOther(nuint start, nuint end, byte value, out nuint address)
    {
        long other = Poison.FirstOther((byte*)start, end - start, value);
        address = start + (nuint)Math.Max(other, 0);
        return other >= 0;
    }
}
