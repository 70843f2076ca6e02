namespace Vmem.Benchmarks.Peers;

/// <summary>The native allocators that studies of memory may have beside them.</summary>
internal static class PeerLibraries
{
    public static PeerLibrary CLibrary { get; } = new("malloc", "libc.so.6", "libc", "libSystem.dylib", "ucrtbase");

    public static PeerLibrary Mimalloc { get; } = new("mimalloc", "libmimalloc.so.2", "mimalloc");

    public static PeerLibrary Jemalloc { get; } = new("jemalloc", "libjemalloc.so.2", "jemalloc");

    public static PeerLibrary Tcmalloc { get; } = new("tcmalloc", "libtcmalloc_minimal.so.4", "tcmalloc_minimal");

    public static IReadOnlyList<PeerLibrary> All { get; } = [CLibrary, Mimalloc, Jemalloc, Tcmalloc];
}
