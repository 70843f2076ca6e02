using System.Runtime.InteropServices;

namespace Vmem.Memory;

// Blocks that become longer or shorter.
public sealed unsafe partial class NativeHeap
{
    /// <summary>As C's realloc: the contents are kept up to the lesser of both sizes; where the block lies may change, and then the old
    /// address is no block any more. Null allocates. A large block is resized where it lies if the pages behind it are free; a small one
    /// stays as long as it would not be less than half used. A block that moves starts as one of <see cref="Allocate"/> does: see
    /// <see cref="ReallocateAligned"/>.</summary>
    /// <param name="block">A block, or null.</param>
    /// <param name="size">In bytes; 0 gives the smallest block there is, and frees nothing.</param>
    /// <exception cref="OutOfMemoryException">There is no memory for a longer block; this one is as it was.</exception>
    /// <exception cref="InvalidFreeException">No block starts there. (Found of large blocks; of small ones only with
    /// debugging.)</exception>
    public void* Reallocate(void* block, nuint size) => Resize(block, size, alignment: 1);

    /// <summary>As <see cref="Reallocate"/>, but the block starts at a multiple of <paramref name="alignment"/>, whether it moves or
    /// not.</summary>
    /// <param name="block">A block, or null.</param>
    /// <param name="size">In bytes; 0 gives the smallest block there is, and frees nothing.</param>
    /// <param name="alignment">Any power of two.</param>
    /// <exception cref="ArgumentException">The alignment is no power of two.</exception>
    /// <inheritdoc cref="Reallocate" path="/exception"/>
    public void* ReallocateAligned(void* block, nuint size, nuint alignment)
    {
        ThrowIfNoAlignment(alignment);
        return Resize(block, size, alignment);
    }

    private void* Resize(void* block, nuint size, nuint alignment)
    {
        if (block is null)
        {
            return AllocateAligned(size, alignment);
        }

        bool isResized = Layer.TryResize((nuint)block, size, alignment, out nuint old, out bool canStay);
        GC.KeepAlive(this);
        if (isResized)
        {
            return block;
        }

        bool isThere = alignment <= 8 ? TryAllocate(size, out void* moved)
            : (moved = AllocateOrNull(size, alignment, clear: false, out _)) != null;
        if (!isThere)
        {
            return canStay ? block : throw OutOfMemory(size);
        }

        NativeMemory.Copy(block, moved, Math.Min(old, size));
        FreeMoved(block, moved);
        return moved;
    }

    /// <summary>Frees a block that has moved; if that fails, it has not.</summary>
    private void FreeMoved(void* block, void* moved)
    {
        try
        {
            Free(block);
        }
        catch
        {
            // Another thread freed it, or wrote behind it, meanwhile; or there was no memory for the record of a free.
            Free(moved);
            throw;
        }
    }
}
