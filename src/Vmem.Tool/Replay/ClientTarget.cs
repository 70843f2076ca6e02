using System.Numerics;
using Vmem.Memory;
using Vmem.Tool.Blocks;

namespace Vmem.Tool.Replay;

/// <summary>
/// A <see cref="MemoryClient"/>: the recorded program as one of the tenants of a context. Its memory is real, but nobody writes to it.
/// <para>
/// The range it needs is what it held at most: its regions need not lie next to each other, and what lies between them serves other
/// clients. Holes are what it holds and its program does not use.
/// </para>
/// </summary>
internal sealed unsafe class ClientTarget : IReplayTarget
{
    private readonly ClientContext _host;
    private readonly MemoryContext _context;
    private readonly ulong _alignment;
    private readonly ulong _blockSize;
    private ulong _held;

    public ClientTarget(ClientContext host, MemoryContext context, MemoryClient client)
    {
        _host = host;
        _context = context;
        Client = client;
        _alignment = context.Alignment;
        _blockSize = context.BlockSize;
    }

    public MemoryClient Client { get; }

    public string Name => AllocatorNames.NameOf(Allocator);

    public AllocatorKind Allocator => AllocatorKind.Client;

    // A power of two up to half the context's block size, whole ones above.
    public ulong RoundUp(ulong requested) =>
        requested > _context.Size ? ulong.MaxValue
        : requested <= _blockSize / 2 ? BitOperations.RoundUpToPowerOf2(Math.Max(requested, _alignment))
        : (requested + _blockSize - 1) & ~(_blockSize - 1);

    public bool TryAllocate(ulong size, out ulong offset)
    {
        if (!Client.TryAllocate((nuint)size, out void* block))
        {
            offset = 0;
            return false;
        }

        offset = (ulong)((byte*)block - (byte*)_context.Start);
        _held = Math.Max(_held, Client.TotalSize);
        _host.NoteEnd(offset + size);
        return true;
    }

    public void Free(ulong offset, ulong size) => Client.Free((byte*)_context.Start + offset);

    public ulong GetRange(ulong highestEnd) => _held;

    public TargetFigures GetFigures() => new(Client.InUse, Client.TotalSize - Client.InUse, _host.GetBookkeepingBytes());

    public void Dispose()
    {
        // The context deletes its clients, when all recordings have ended.
    }
}
