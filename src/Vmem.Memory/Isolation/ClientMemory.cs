using System.Buffers;

namespace Vmem.Memory.Isolation;

/// <summary>A block of a client behind <see cref="Memory{T}"/>.</summary>
/// <remarks>Every look at the memory asks first whether the block is still there, so that who keeps a <see cref="Memory{T}"/> too long is
/// told so. Who keeps a span or a pin too long is not: neither asks.</remarks>
/// <param name="client">Whose block it is.</param>
/// <param name="moment">When it was allocated: the client may have gone back behind it since.</param>
/// <param name="block">The block.</param>
/// <param name="length">In elements.</param>
internal sealed unsafe class ClientMemory<T>(MemoryClient client, (ulong Resets, ulong Mark) moment, T* block, int length)
    : MemoryManager<T>
    where T : unmanaged
{
    private nint _block = (nint)block;            // 0 once disposed of

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

    /// <summary>Frees once, whoever calls it how often: another block may lie there by then. A block that was written
    /// past its end stays allocated, and is the owner's as before.</summary>
    protected override void Dispose(bool disposing)
    {
        nint freed = Interlocked.Exchange(ref _block, 0);
        if (freed == 0)
        {
            return;
        }

        try
        {
            client.FreeUnlessGone((nuint)freed, moment);
        }
        catch (InvalidFreeException e) when (e.Reason == InvalidFreeReason.Corrupted)
        {
            Volatile.Write(ref _block, freed);
            throw;
        }
    }

    private T* Block
    {
        get
        {
            nint held = _block;
            ObjectDisposedException.ThrowIf(held == 0, this);
            ObjectDisposedException.ThrowIf(client.IsDisposed, client);
            ObjectDisposedException.ThrowIf(client.HasGoneBackBehind(moment), this);
            return (T*)held;
        }
    }
}
