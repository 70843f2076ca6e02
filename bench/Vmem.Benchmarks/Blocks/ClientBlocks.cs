using System.Runtime.CompilerServices;
using Vmem.Memory;

namespace Vmem.Benchmarks.Blocks;

/// <summary>An isolated client. The first one owns its context; the spaces beside it are further clients of the same context.</summary>
internal readonly unsafe struct ClientBlocks : IBlocks<ClientBlocks, NativeBlock>
{
    // Ten times what the largest study holds at once: nothing fails for want of room, and the address range costs nothing until touched.
    private const nuint ContextBytes = 128 << 20;

    private readonly MemoryContext _context;
    private readonly MemoryClient _client;
    private readonly bool _ownsContext;

    public ClientBlocks(MemoryContextFeatures features)
        : this(new MemoryContext(ContextBytes, new MemoryContextOptions { Features = features }), ownsContext: true)
    {
    }

    private ClientBlocks(MemoryContext context, bool ownsContext)
    {
        _context = context;
        _client = context.CreateClient("bench");
        _ownsContext = ownsContext;
    }

    public static bool IsOneForAll => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public NativeBlock Allocate(nuint size) => new(_client.Allocate(size));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(NativeBlock block) => _client.Free(block.Address);

    public ClientBlocks MakeSpace() => new(_context, ownsContext: false);

    public void Dispose()
    {
        _client.Dispose();
        if (_ownsContext)
        {
            _context.Dispose();
        }
    }
}
