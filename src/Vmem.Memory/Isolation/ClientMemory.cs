using System.Buffers;

namespace Vmem.Memory.Isolation;

/// <summary>A block of a client behind <see cref="Memory{T}"/>.</summary>
/// <remarks>Every look at the memory asks first whether the block is still there, so that who keeps a <see cref="Memory{T}"/> too long is told
/// so. Who keeps a span or a pin too long is not: neither asks.</remarks>
internal sealed unsafe class ClientMemory<T>(MemoryClient client, T* block, int length) : MemoryManager<T>
    where T : unmanaged
{
    private T* _block = block;

    public override Span<T> GetSpan() => new(Block, length);

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)length, nameof(elementIndex));
        return new MemoryHandle(Block + elementIndex, pinnable: this);
    }

    /// <summary>The memory never moves: there is nothing to undo.</summary>
    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        T* freed = _block;
        _block = null;
        if (freed is not null && !client.IsDisposed)
        {
            client.Free(freed);
        }
    }

    private T* Block
    {
        get
        {
            ObjectDisposedException.ThrowIf(_block is null, this);
            ObjectDisposedException.ThrowIf(client.IsDisposed, client);
            return _block;
        }
    }
}
