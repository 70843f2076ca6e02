using System.IO.MemoryMappedFiles;

namespace Vmem.Memory;

/// <summary>One block of memory that is dealt out to isolated clients (libvmma's context).</summary>
public sealed unsafe class MemoryContext : IDisposable
{
    /// <summary>Deals out a block of the caller's, which must outlive the context.</summary>
    public MemoryContext(void* block, nuint size, MemoryContextOptions? options = null) => throw new NotImplementedException();

    /// <summary>Deals out a block of its own, zeroed, which it gives back when disposed of.</summary>
    public MemoryContext(nuint size, MemoryContextOptions? options = null) => throw new NotImplementedException();

    /// <summary>Deals out a view of a memory-mapped file, which stays the caller's to dispose of, after the context.</summary>
    public MemoryContext(MemoryMappedViewAccessor view, MemoryContextOptions? options = null) => throw new NotImplementedException();

    /// <summary>Every feature that this build has (libvmma: vmma_get_supported_flags).</summary>
    public static MemoryContextFeatures SupportedFeatures => throw new NotImplementedException();

    /// <summary>The features that this context was given (libvmma: vmma_get_accepted_flags).</summary>
    public MemoryContextFeatures Features => throw new NotImplementedException();

    /// <summary>Where the memory that clients can be given starts.</summary>
    public void* Start => throw new NotImplementedException();

    /// <summary>How much clients can be given, in bytes.</summary>
    public nuint Size => throw new NotImplementedException();

    /// <summary>Every block starts at a multiple of this many bytes.</summary>
    public nuint Alignment => throw new NotImplementedException();

    /// <summary>Clients get, and give back, multiples of this many bytes.</summary>
    public nuint BlockSize => throw new NotImplementedException();

    /// <summary>A new client. It takes nothing from the context until it allocates.</summary>
    public MemoryClient CreateClient(string name, nuint quota = 0) => throw new NotImplementedException();

    /// <summary>Which client holds the memory at an address, whether as a block or free?</summary>
    public bool TryGetClient(void* address, out MemoryClient? client) => throw new NotImplementedException();

    /// <summary>The clients that exist, in the order of their creation.</summary>
    public IReadOnlyList<MemoryClient> GetClients() => throw new NotImplementedException();

    /// <summary>Takes back what clients hold without need: cached blocks and empty regions. Returns how many bytes.</summary>
    public nuint Trim() => throw new NotImplementedException();

    /// <summary>Figures of the context.</summary>
    public MemoryContextStatistics GetStatistics() => throw new NotImplementedException();

    /// <summary>A table of the clients and of what they hold.</summary>
    public void Dump(TextWriter writer) => throw new NotImplementedException();

    /// <summary>Checks every invariant of the context and its clients, and the guard bytes and the poison where these features are on.</summary>
    public void Validate() => throw new NotImplementedException();

    /// <summary>Disposes of all clients, and gives the block back if it is the context's own.</summary>
    public void Dispose() => throw new NotImplementedException();
}
