using System.Buffers;

namespace Vmem.Memory;

/// <summary>Allocates from a context in isolation; disposing of it frees all it ever allocated (libvmma's client).</summary>
public sealed unsafe class MemoryClient : IDisposable
{
    internal MemoryClient() => throw new NotImplementedException();

    /// <summary>The client's name, as it is in messages and statistics.</summary>
    public string Name => throw new NotImplementedException();

    /// <summary>The context it allocates from.</summary>
    public MemoryContext Context => throw new NotImplementedException();

    /// <summary>The most bytes its blocks may take, their rounding included; 0: no such limit.</summary>
    public nuint Quota => throw new NotImplementedException();

    /// <summary>The bytes of its live blocks, their rounding included.</summary>
    public nuint InUse => throw new NotImplementedException();

    /// <summary>The bytes of its regions.</summary>
    public nuint TotalSize => throw new NotImplementedException();

    /// <summary>A block of at least <paramref name="size"/> bytes (0: the smallest). Throws <see cref="ClientExhaustedException"/>.</summary>
    public void* Allocate(nuint size) => throw new NotImplementedException();

    /// <summary>The same, zeroed, its rounding included.</summary>
    public void* AllocateZeroed(nuint size) => throw new NotImplementedException();

    /// <summary>A block that starts at a multiple of <paramref name="alignment"/>, a power of two of at most the context's block size.</summary>
    public void* AllocateAligned(nuint size, nuint alignment) => throw new NotImplementedException();

    /// <summary>False where <see cref="Allocate"/> would throw for want of room.</summary>
    public bool TryAllocate(nuint size, out void* block) => throw new NotImplementedException();

    /// <summary>Frees a block of this client; null is no block and is ignored. Throws <see cref="InvalidFreeException"/>.</summary>
    public void Free(void* block) => throw new NotImplementedException();

    /// <summary>As C's realloc: the contents are kept up to the lesser size; where the block lies may change. null allocates.</summary>
    public void* Reallocate(void* block, nuint size) => throw new NotImplementedException();

    /// <summary>Resizes a block where it lies; false, and nothing is changed, if it has no room to grow.</summary>
    public bool TryResize(void* block, nuint size) => throw new NotImplementedException();

    /// <summary>Does the address lie in a block that this client's user holds?</summary>
    public bool Owns(void* address) => throw new NotImplementedException();

    /// <summary>How many bytes of a block may be used: at least those asked for. Throws <see cref="InvalidFreeException"/> for what is no block of this client.</summary>
    public nuint GetSize(void* block) => throw new NotImplementedException();

    /// <summary>A block as a span of <paramref name="length"/> elements; freed by <see cref="Free{T}(Span{T})"/> or with the client.</summary>
    public Span<T> AllocateSpan<T>(int length)
        where T : unmanaged => throw new NotImplementedException();

    /// <summary>Frees what <see cref="AllocateSpan{T}"/> allocated.</summary>
    public void Free<T>(Span<T> span)
        where T : unmanaged => throw new NotImplementedException();

    /// <summary>A block as an owner of memory: disposing of it frees the block. It throws <see cref="ObjectDisposedException"/> once it or the client is gone.</summary>
    public IMemoryOwner<T> Rent<T>(int length)
        where T : unmanaged => throw new NotImplementedException();

    /// <summary>Gives back what the client holds without need: cached blocks and empty regions. Returns how many bytes the context got back.</summary>
    public nuint Trim() => throw new NotImplementedException();

    /// <summary>Figures of the client.</summary>
    public MemoryClientStatistics GetStatistics() => throw new NotImplementedException();

    /// <summary>Frees everything that the client ever allocated (libvmma: vmma_delete_client): O(regions), however many blocks there are.</summary>
    public void Dispose() => throw new NotImplementedException();
}
