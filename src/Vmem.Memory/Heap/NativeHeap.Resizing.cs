using System.Runtime.InteropServices;
using Vmem.Memory.Heap;

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
    /// <exception cref="InvalidFreeException">No live block of this heap starts there.</exception>
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

    /// <summary>As <see cref="Reallocate"/>, but false where that finds no memory.</summary>
    /// <param name="block">A block, or null.</param>
    /// <param name="size">In bytes; 0 gives the smallest block there is, and frees nothing.</param>
    /// <param name="resized">Where the block is now. If the result is false, <paramref name="block"/>, which is as it was: who writes it
    /// over the old address loses nothing, as who does so with C's realloc would.</param>
    /// <returns>False if there is no memory for a longer block.</returns>
    /// <exception cref="InvalidFreeException">No live block of this heap starts there.</exception>
    public bool TryReallocate(void* block, nuint size, out void* resized) => TryResize(block, size, alignment: 1, out resized);

    private void* Resize(void* block, nuint size, nuint alignment) =>
        TryResize(block, size, alignment, out void* resized) ? resized : throw OutOfMemory(size);

    private bool TryResize(void* block, nuint size, nuint alignment, out void* resized)
    {
        if (block is null)
        {
            return TryAllocate(size, alignment, out resized);
        }

        resized = block;
        using HeapCall call = Enter();
        if (Layer.TryResize((nuint)block, size, alignment, out nuint old, out bool canStay))
        {
            return true;
        }

        if (!TryAllocateLonger(old, size, alignment, out void* moved) && !TryAllocate(size, alignment, out moved))
        {
            return canStay;
        }

        nuint kept = nuint.Min(old, size);
        if (!Layer.TryMove((nuint)block, (nuint)moved, kept))
        {
            NativeMemory.Copy(block, moved, kept);
            FreeMoved(block, moved);
        }

        resized = moved;
        return true;
    }

    /// <summary>A block to which a large one moves that grows: an eighth longer than is asked for, so that one which grows little by little
    /// does not move each time. False if nothing is at hand: no reserves are given up for it.</summary>
    private bool TryAllocateLonger(nuint old, nuint size, nuint alignment, out void* block)
    {
        nuint longer = size + (size / 8);
        block = size > old && old > RunClasses.Largest && longer > size && alignment <= HeapSpace.PageSize && _layers?.Runs is { } plain
            ? (void*)plain.TakeRoomy(longer) : null;
        return block is not null;
    }

    private bool TryAllocate(nuint size, nuint alignment, out void* block) => alignment <= SizeClasses.Grain
        ? TryAllocate(size, out block)
        : (block = AllocateOrNull(size, alignment, clear: false, out _)) is not null;

    /// <summary>Frees a block that has moved; if that fails, it has not.</summary>
    private void FreeMoved(void* block, void* moved)
    {
        try
        {
            Free(block);
        }
        catch
        {
            // Another thread freed it, or wrote behind it, meanwhile.
            Free(moved);
            throw;
        }
    }
}
