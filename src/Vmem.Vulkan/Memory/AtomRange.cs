namespace Vmem.Vulkan.Memory;

/// <summary>The whole atoms of mapped memory that hold some bytes: what a flush names (nonCoherentAtomSize).</summary>
/// <remarks>Where it matters, ranges begin and end at multiples of the atom: it divides the quantum of the arena. So no flush of one
/// touches what another host thread writes.</remarks>
internal static class AtomRange
{
    /// <param name="offset">Where the bytes begin in their block.</param>
    /// <param name="size">How many.</param>
    /// <param name="atom">The size of an atom, a power of two.</param>
    /// <param name="blockSize">The size of the block: the last atom may be shorter.</param>
    public static (ulong Offset, ulong Size) Of(ulong offset, ulong size, ulong atom, ulong blockSize)
    {
        ulong start = offset & ~(atom - 1);
        ulong end = ulong.Min((offset + size + atom - 1) & ~(atom - 1), blockSize);
        return (start, end - start);
    }
}
