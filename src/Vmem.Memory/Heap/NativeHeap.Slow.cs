using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Memory.Heap;

namespace Vmem.Memory;

// What the fast paths cannot serve: it goes to the layer below.
public sealed unsafe partial class NativeHeap
{
    /// <summary>A block, zeroed, its rounding included. Pages fresh from the system are not zeroed again.</summary>
    /// <inheritdoc cref="Allocate"/>
    public void* AllocateZeroed(nuint size)
    {
        void* block = AllocateOrNull(size, alignment: 1, clear: true, out bool isZero);
        if (block is null)
        {
            throw OutOfMemory(size);
        }

        if (!isZero)
        {
            NativeMemory.Clear(block, GetSize(block));
        }

        return block;
    }

    /// <summary>A block that starts at a multiple of <paramref name="alignment"/>.</summary>
    /// <param name="size">In bytes; 0 gives the smallest there is.</param>
    /// <param name="alignment">Any power of two.</param>
    /// <exception cref="ArgumentException">The alignment is no power of two.</exception>
    /// <inheritdoc cref="Allocate"/>
    public void* AllocateAligned(nuint size, nuint alignment)
    {
        ThrowIfNoAlignment(alignment);
        return AllocateSlow(size, alignment);
    }

    private static void ThrowIfNoAlignment(nuint alignment)
    {
        if (!BitOperations.IsPow2(alignment))
        {
            throw new ArgumentException($"{alignment} is no power of two.", nameof(alignment));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* AllocateSlow(nuint size) => AllocateSlow(size, alignment: 1);

    private void* AllocateSlow(nuint size, nuint alignment)
    {
        void* block = AllocateOrNull(size, alignment, clear: false, out _);
        return block is not null ? block : throw OutOfMemory(size);
    }

    /// <inheritdoc cref="IHeapLayer.Take"/>
    private void* AllocateOrNull(nuint size, nuint alignment, bool clear, out bool isZero)
    {
        ThrowIfDisposed();
        isZero = false;
        nuint block = 0;
        try
        {
            block = Layer.Take(size, alignment, clear, out isZero);
        }
        catch (OutOfMemoryException)
        {
            // For managed tables: to callers that is one shortage like another.
        }

        GC.KeepAlive(this);
        if (block == 0)
        {
            ThrowIfDisposed();                    // meanwhile
            _ = Interlocked.Increment(ref _failures);
        }

        return (void*)block;
    }

    private InsufficientMemoryException OutOfMemory(nuint size) =>
        new($"Heap '{Name}' has no {size} bytes: it holds {_layers?.Plain.Space.CommittedBytes ?? 0} of the {Reserved} bytes it may, and the system gave no more.");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeSlow(void* block) => FreeSlow(block, size: null);

    private void FreeSlow(void* block, nuint? size)
    {
        if (block is not null)
        {
            ThrowIfDisposed();
            Layer.Free((nuint)block, size);
            GC.KeepAlive(this);
        }
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(IsDisposed, this);
}
