using Vmem.Benchmarks.Peers;
using Vmem.Memory;

namespace Vmem.Benchmarks.Blocks;

/// <summary>The allocators of memory that studies compare, each under one name in all tables.</summary>
internal static class BlockSubjects
{
    public static BlockSubject Client { get; } = MakeClient("client", MemoryContextFeatures.None);

    public static BlockSubject SynchronizedClient { get; } = MakeClient("client, Synchronized", MemoryContextFeatures.Synchronized);

    /// <summary>One heap for all threads.</summary>
    public static BlockSubject Heap { get; } = new BlockSubject<HeapBlocks, NativeBlock>("NativeHeap", () => new HeapBlocks(isShared: true));

    /// <summary>A heap of its own for each space.</summary>
    public static BlockSubject OwnHeap { get; } = new BlockSubject<HeapBlocks, NativeBlock>("NativeHeap", () => new HeapBlocks(isShared: false));

    /// <summary>One heap for all threads, which does not check frees.</summary>
    public static BlockSubject TrustingHeap { get; } = new BlockSubject<TrustingHeapBlocks, NativeBlock>(
        "NativeHeap, TrustCaller",
        static () => new TrustingHeapBlocks());

    public static BlockSubject ArrayPool { get; } = new BlockSubject<ArrayPoolBlocks, ArrayBlock>("ArrayPool", () => default);

    /// <summary>A client whose context hands memory on as it is.</summary>
    public static BlockSubject BareClient { get; } = new BlockSubject<ClientBlocks, NativeBlock>(
        "client, no features",
        () => new ClientBlocks(MemoryContextFeatures.None));

    public static BlockSubject ZeroingClient { get; } = MakeClient("client, ZeroOnAllocate", MemoryContextFeatures.ZeroOnAllocate);

    public static BlockSubject ErasingClient { get; } = MakeClient("client, ZeroOnFree", MemoryContextFeatures.ZeroOnFree);

    public static BlockSubject GuardedClient { get; } = MakeClient("client, GuardBytes", MemoryContextFeatures.GuardBytes);

    public static BlockSubject System { get; } = new BlockSubject<SystemBlocks, NativeBlock>("NativeMemory", () => default);

    public static BlockSubject Region { get; } = new BlockSubject<RegionBlocks, NativeBlock>("bump region", RegionBlocks.Make);

    /// <summary>malloc of the C library and of those allocators that are on this machine.</summary>
    public static IReadOnlyList<BlockSubject> Mallocs { get; } =
    [
        .. MakeMalloc(PeerLibraries.System, ""),
        .. MakeMalloc(PeerLibraries.Mimalloc, "mi_"),
        .. MakeMalloc(PeerLibraries.Jemalloc, "je_"),
        .. MakeMalloc(PeerLibraries.Tcmalloc, "tc_"),
    ];

    /// <summary>A heap of mimalloc's; none where that is not on this machine.</summary>
    public static IReadOnlyList<BlockSubject> MimallocHeaps { get; }
        = MimallocHeapPeer.TryMake(PeerLibraries.Mimalloc, out MimallocHeapPeer? peer)
            ? [new BlockSubject<MimallocHeapBlocks, NativeBlock>("mimalloc heap", peer.MakeBlocks)]
            : [];

    private static BlockSubject<ClientBlocks, NativeBlock> MakeClient(string name, MemoryContextFeatures added)
        => new(name, () => new ClientBlocks(new MemoryContextOptions().Features | added));

    private static IEnumerable<BlockSubject> MakeMalloc(PeerLibrary library, string prefix)
        => MallocPeer.TryMake(library, prefix, out MallocPeer? peer)
            ? [new BlockSubject<MallocBlocks, NativeBlock>(peer.Name, peer.MakeBlocks)]
            : [];
}
