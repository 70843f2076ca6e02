namespace Vmem.Benchmarks.Peers;

/// <summary>The native allocators that studies of memory may have beside them.</summary>
internal static class PeerLibraries
{
    /// <summary>The C library.</summary>
    public static PeerLibrary System { get; } = new("malloc", ["libc.so.6", "libc", "libSystem.dylib", "ucrtbase"]);

    public static PeerLibrary Mimalloc { get; } = new("mimalloc", ["libmimalloc.so.2", "mimalloc"]);

    public static PeerLibrary Jemalloc { get; } = new(
        "jemalloc",
        ["libjemalloc.so.2", "jemalloc"],
        "It wants more static thread-local storage than glibc keeps for libraries that are loaded late: set GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384.");

    public static PeerLibrary Tcmalloc { get; } = new("tcmalloc", ["libtcmalloc_minimal.so.4", "tcmalloc_minimal"]);

    public static IReadOnlyList<PeerLibrary> All { get; } = [System, Mimalloc, Jemalloc, Tcmalloc];
}
