namespace Vmem.Memory.Heap;

/// <summary>Whether a class may have another slab where a heap comes near its limit.</summary>
/// <remarks>
/// A heap of one megabyte has room for sixteen slabs, and there are many more classes. If the first that ask get them, the next are refused
/// while most of each slab is empty: of sizes from 1 to 1,000 bytes 23 % of the limit were in use then. So where there is no longer room
/// for a slab of every class, one gets a slab only if as much of what is left will be its own, going by what it has of all small blocks.
/// The others have their blocks from the starter arena, in which all classes lie side by side, at the cost of a search.
/// </remarks>
/// <param name="space">Where slabs lie.</param>
/// <param name="large">What of them is held by large blocks.</param>
/// <param name="starter">Who serves a class that gets none.</param>
internal sealed class SlabShare(HeapSpace space, LargeBlocks large, StarterArena starter)
{
    private const nuint Scarce = SizeClasses.Count * HeapSpace.Granule;

    /// <param name="sizeClass">The class.</param>
    /// <param name="slab">How long its slabs are.</param>
    /// <param name="inSlabs">Bytes of it that are out of its slabs.</param>
    public bool Allows(int sizeClass, nuint slab, nuint inSlabs)
    {
        nuint held = space.HeldBytes;
        nuint room = space.Size - nuint.Min(held, space.Size);
        if (room >= Scarce)
        {
            return true;
        }

        nuint small = held - nuint.Min(large.Bytes, held);
        return (double)(inSlabs + starter.TakenBytes(sizeClass)) * room >= (double)slab * small;
    }
}
