using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Diagnostics;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// The faces that need no pointers.
public sealed unsafe partial class MemoryClient
{
    /// <summary>A block as a span. It is freed by <see cref="Free{T}(Span{T})"/> or with the client, and must not be used thereafter: a
    /// span over memory outside the managed heap keeps nothing alive.</summary>
    /// <param name="length">In elements; 0 gives an empty span, which has no block.</param>
    /// <typeparam name="T">The elements' type.</typeparam>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    /// <inheritdoc cref="Allocate" path="/exception"/>
    public Span<T> AllocateSpan<T>(int length)
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return length == 0 ? default : new Span<T>(AllocateElements<T>(length), length);
    }

    /// <summary>Frees what <see cref="AllocateSpan{T}"/> allocated, given the whole of it. An empty span is ignored: the rest of a span
    /// that was used up points at where another block may start.</summary>
    /// <exception cref="InvalidFreeException">No live block of this client starts where the span does; nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of, and the block with it.</exception>
    public void Free<T>(Span<T> span)
        where T : unmanaged
    {
        if (!span.IsEmpty)
        {
            Free(Unsafe.AsPointer(ref MemoryMarshal.GetReference(span)));
        }
    }

    /// <summary>A block as an owner of memory: disposing of the owner frees the block. Its memory throws
    /// <see cref="ObjectDisposedException"/> once the owner or the client is gone, or the client has gone back behind the allocation. Costs
    /// one small managed object.</summary>
    /// <param name="length">In elements.</param>
    /// <typeparam name="T">The elements' type.</typeparam>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    /// <inheritdoc cref="Allocate" path="/exception"/>
    public IMemoryOwner<T> Rent<T>(int length)
        where T : unmanaged
    {
        nuint size = SizeOf<T>(length);
        if (!TrySign(AuditCall.Allocate, out AuditSite? by)
            || !TryMeet(new BlockRequest(size, Alignment: 1, Zeroed: false, by), out BlockGrant grant))
        {
            throw Exhausted(size, alignment: 1);
        }

        try
        {
            return new ClientMemory<T>(this, grant.Moment, (T*)grant.Start, length);
        }
        catch
        {
            FreeUnlessGone((nuint)grant.Start, grant.Moment);
            throw;
        }
    }

    private T* AllocateElements<T>(int length)
        where T : unmanaged => (T*)Allocate(SizeOf<T>(length));

    private static nuint SizeOf<T>(int length)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return nuint.CreateSaturating((ulong)length * (ulong)sizeof(T));      // more than 32 bits count is no room, too
    }
}
