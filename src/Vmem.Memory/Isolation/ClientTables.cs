namespace Vmem.Memory.Isolation;

/// <summary>What a client needs for its work beside its own fields; it passes from client to client of a context, so that one that comes
/// and goes makes little garbage.</summary>
internal sealed class ClientTables(byte[] cacheCapacities)
{
    public static long BytesFor(byte[] cacheCapacities) => BlockCaches.BytesFor(cacheCapacities) + (RegionLists.Lists * (long)IntPtr.Size);

    public BlockCaches Caches { get; } = new(cacheCapacities);

    /// <summary>The heads of the client's lists of regions.</summary>
    public Region?[] Lists { get; } = new Region?[RegionLists.Lists];

    /// <summary>The client's place in its context's list. Its value is null while no client has the tables.</summary>
    public LinkedListNode<MemoryClient> Node { get; } = new(null!);
}
