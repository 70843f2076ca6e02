using System.Runtime.InteropServices;
using Vmem.Memory.Heap;

namespace Vmem.Memory;

// Blocks that become longer or shorter.
public sealed unsafe partial class NativeHeap
{
    /// <summary>As C's realloc: the contents are kept up to the lesser of both sizes; where the block lies may change, and then the old address is no
    /// block any more. Null allocates. A large block is resized where it lies if the pages behind it are free; a small one stays as long as it
    /// would not be less than half used.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory; the block is as it was.</exception>
    /// <exception cref="InvalidFreeException">No block starts there.</exception>
    public void* Reallocate(void* block, nuint size)
    {
        if (block is null)
        {
            return Allocate(size);
        }

        if (_debugger is not null)
        {
            return ReallocateElsewhere(block, size);
        }

        nuint old = GetSize(block);
        if ((size <= old && size > old / 2) || (old > SizeClasses.Largest && size > SizeClasses.Largest && TryResizeLarge(block, old, size)))
        {
            return block;
        }

        void* moved = Allocate(size);
        NativeMemory.Copy(block, moved, Math.Min(old, size));
        Free(block);
        return moved;
    }

    private bool TryResizeLarge(void* block, nuint old, nuint size)
    {
        nuint length = size > _space.Size ? 0 : HeapSpace.RoundUp(size);
        if (length == 0 || !_space.TryExtend((nuint)block, old, length, out _))
        {
            return false;
        }

        _ = Interlocked.Add(ref _largeBytes, (long)length - (long)old);
        return true;
    }
}
