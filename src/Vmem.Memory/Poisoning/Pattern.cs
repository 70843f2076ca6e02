using System.Runtime.InteropServices;

namespace Vmem.Memory.Poisoning;

/// <summary>What bytes hold that no code should read, or no code should write.</summary>
/// <remarks>
/// <para>
/// The values are those of Microsoft's debugging C library, which users of debuggers know by sight, but for the guard's. As addresses they
/// are none that a system hands out.
/// </para>
/// <para>
/// With <see cref="MemoryContextFeatures.PoisonOnFree"/> the invariant is simple: every byte of a client's regions that is in no live block
/// holds <see cref="Freed"/>. Regions are filled when they are opened, blocks when they are freed. So a block can be checked whole before
/// it is handed out, however it was split and coalesced meanwhile.
/// </para>
/// </remarks>
internal static unsafe class Pattern
{
    public const byte Fresh = 0xCD;
    public const byte Freed = 0xDD;
    public const byte Guard = 0xFB;

    public static void Fill(nuint start, nuint end, byte value) => NativeMemory.Fill((void*)start, end - start, value);

    /// <summary>The first address that does not hold the value; false if all do.</summary>
    public static bool TryFindOther(nuint start, nuint end, byte value, out nuint address)
    {
        for (address = start; address < end;)
        {
            int part = (int)Math.Min(end - address, 1 << 30);
            int found = new ReadOnlySpan<byte>((void*)address, part).IndexOfAnyExcept(value);
            address += (nuint)(found < 0 ? part : found);
            if (found >= 0)
            {
                return true;
            }
        }

        return false;
    }
}
