using Vmem.Tool.Replay;

namespace Vmem.Tool.Blocks;

/// <summary>An allocator of real memory, by the malloc interface: what recordings are replayed through where the memory itself is
/// measured.</summary>
/// <remarks>Every call is virtual, for each of them alike: a nanosecond or two in all their times.</remarks>
internal abstract unsafe class BlockAllocator(AllocatorKind kind) : IDisposable
{
    public AllocatorKind Kind { get; } = kind;

    /// <summary>What the allocator itself says that it holds, in bytes; null where it does not tell.</summary>
    public virtual ulong? Held => null;

    /// <summary>False where there is no memory.</summary>
    public abstract bool TryAllocate(nuint size, out void* block);

    public abstract void Free(void* block);

    /// <summary>How many bytes of a block may be used.</summary>
    public abstract nuint SizeOf(void* block);

    /// <summary>What a request for this size gets, found out by making one.</summary>
    /// <remarks>No formula of the tool's own: what an allocator makes of a size is asked of itself. Nobody writes to the block.</remarks>
    public ulong RoundUp(ulong requested)
    {
        if (requested > nuint.MaxValue / 2 || !TryAllocate((nuint)requested, out void* block))
        {
            return ulong.MaxValue;
        }

        ulong size = SizeOf(block);
        Free(block);
        return size;
    }

    /// <summary>Gives back what is not in use, where that can be asked for.</summary>
    public virtual void Trim()
    {
    }

    /// <summary>Writes to every page of a block, as its program would have: from then on it takes memory.</summary>
    public static void Touch(void* block, ulong size)
    {
        const ulong Page = 4096;
        for (ulong offset = 0; offset < size; offset += Page)
        {
            ((byte*)block)[offset] = 1;
        }

        if (size > 0)
        {
            ((byte*)block)[size - 1] = 1;
        }
    }

    public virtual void Dispose() => GC.SuppressFinalize(this);
}
