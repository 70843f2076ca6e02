using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Memory.Heap;

namespace Vmem.Memory;

// The faces that need no pointers.
public sealed unsafe partial class NativeHeap
{
    /// <summary>A block as a span. It is freed by <see cref="Free{T}(Span{T})"/> or with the heap, and must not be used thereafter: a span
    /// over memory outside the managed heap keeps nothing alive.</summary>
    /// <param name="length">In elements; 0 gives an empty span, which has no block.</param>
    /// <typeparam name="T">The elements' type.</typeparam>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    /// <inheritdoc cref="Allocate"/>
    public Span<T> AllocateSpan<T>(int length)
        where T : unmanaged => IsEmpty(length) ? default : new Span<T>(Allocate(SizeOf<T>(length)), length);

    /// <summary>As <see cref="AllocateSpan{T}"/>, zeroed (<see cref="AllocateZeroed"/>).</summary>
    /// <inheritdoc cref="AllocateSpan{T}"/>
    public Span<T> AllocateZeroedSpan<T>(int length)
        where T : unmanaged => IsEmpty(length) ? default : new Span<T>(AllocateZeroed(SizeOf<T>(length)), length);

    /// <summary>Frees what <see cref="AllocateSpan{T}"/> allocated, given the whole of it or its beginning. An empty span is ignored: the
    /// rest of a span that was used up points at where another block may start. O(1).</summary>
    /// <inheritdoc cref="Free(void*)"/>
    public void Free<T>(Span<T> span)
        where T : unmanaged
    {
        if (!span.IsEmpty)
        {
            Free(Unsafe.AsPointer(ref MemoryMarshal.GetReference(span)), (nuint)span.Length * (nuint)sizeof(T));
        }
    }

    /// <summary>A block as an owner of memory: disposing of the owner frees the block, when no pin is left. The memory throws
    /// <see cref="ObjectDisposedException"/> once the owner or the heap is gone. Costs one small managed object;
    /// <see cref="NativeMemoryPool{T}"/> has them for nothing.</summary>
    /// <param name="length">In elements, exactly.</param>
    /// <typeparam name="T">The elements' type.</typeparam>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    /// <inheritdoc cref="Allocate"/>
    public IMemoryOwner<T> Rent<T>(int length)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var owner = new HeapMemory<T>(this);
        owner.Begin(Allocate(SizeOf<T>(length)), length);
        return owner;
    }

    private static nuint SizeOf<T>(int length)
        where T : unmanaged => checked((nuint)length * (nuint)sizeof(T));

    private bool IsEmpty(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ThrowIfDisposed();
        return length == 0;
    }
}
