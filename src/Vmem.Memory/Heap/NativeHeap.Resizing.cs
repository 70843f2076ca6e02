using System.Numerics;
using System.Runtime.InteropServices;
using Vmem.Memory.Heap;

namespace Vmem.Memory;

// Blocks that become longer or shorter.
public sealed unsafe partial class NativeHeap
{
    /// <summary>As C's realloc: the contents are kept up to the lesser of both sizes; where the block lies may change, and then the old address is no
    /// block any more. Null allocates. A large block is resized where it lies if the pages behind it are free; a small one stays as long as it
    /// would not be less than half used. A block that moves starts as one of <see cref="Allocate"/> does: see
    /// <see cref="ReallocateAligned"/>.</summary>
    /// <param name="block">A block, or null.</param>
    /// <param name="size">In bytes; 0 gives the smallest block there is, and frees nothing.</param>
    /// <exception cref="OutOfMemoryException">There is no memory for a longer block; this one is as it was.</exception>
    /// <exception cref="InvalidFreeException">No block starts there. (Found of large blocks; of small ones only with debugging.)</exception>
    public void* Reallocate(void* block, nuint size) => Resize(block, size, alignment: 1);

    /// <summary>As <see cref="Reallocate"/>, but the block starts at a multiple of <paramref name="alignment"/>, whether it moves or not.</summary>
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

    private static void ThrowIfNoAlignment(nuint alignment)
    {
        if (!BitOperations.IsPow2(alignment))
        {
            throw new ArgumentException($"{alignment} is no power of two.", nameof(alignment));
        }
    }

    private void* Resize(void* block, nuint size, nuint alignment)
    {
        if (block is null)
        {
            return AllocateAligned(size, alignment);
        }

        if (_debugger is not null)
        {
            return ResizeElsewhere(block, size, alignment);
        }

        nuint old = GetSize(block);
        bool isAligned = ((nuint)block & (alignment - 1)) == 0;
        bool isLarge = old > SizeClasses.Largest && size > SizeClasses.Largest;
        if (isAligned && ((isLarge && TryResizeLarge(block, old, size)) || (size <= old && (isLarge || size >= old / 2 || old == (nuint)SizeClasses.SizeOf(1)))))
        {
            return block;
        }

        bool isThere = alignment <= 8 ? TryAllocate(size, out void* moved) : TryAllocateAligned(size, alignment, out moved);
        if (!isThere)
        {
            return isAligned && size <= old ? block : throw OutOfMemory(size);
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
            // Another thread freed it, or wrote behind it, meanwhile; the thread was interrupted; or there was no memory for the record of a free.
            Free(moved);
            throw;
        }
    }

    private bool TryResizeLarge(void* block, nuint old, nuint size)
    {
        nuint length = size > _space.Size ? 0 : HeapSpace.RoundUp(size);
        if (length == old)
        {
            return true;
        }

        if (length == 0 || !_space.TryExtend((nuint)block, old, length))
        {
            return false;
        }

        _ = Interlocked.Add(ref _largeBytes, (long)length - (long)old);
        return true;
    }
}
