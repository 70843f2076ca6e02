using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>What a heap has of one size of small blocks (<see cref="NativeHeap.GetSizeClasses"/>).</summary>
/// <param name="BlockSize">How long its blocks are, in bytes: requests are rounded up to that.</param>
/// <param name="Slabs">How many slabs are cut into such blocks.</param>
/// <param name="Held">What these take, in bytes.</param>
/// <param name="LiveBlocks">Blocks that the heap's users hold.</param>
/// <param name="CachedBlocks">Blocks that lie in magazines, ready for use.</param>
[DebuggerDisplay("{LiveBlocks} of {BlockSize} bytes, {Slabs} slabs")]
public readonly record struct HeapSizeClass(nuint BlockSize, long Slabs, nuint Held, long LiveBlocks, long CachedBlocks)
{
    /// <summary>What of the slabs is neither: free blocks, and what is left at a slab's end. In bytes.</summary>
    public nuint Unused => Held - nuint.Min(Held, (nuint)(LiveBlocks + CachedBlocks) * BlockSize);
}
