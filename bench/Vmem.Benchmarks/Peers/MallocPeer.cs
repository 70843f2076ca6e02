using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Blocks;

namespace Vmem.Benchmarks.Peers;

/// <summary>
/// The malloc and free of a native library, called as cheaply as .NET allows: through function pointers, without the transition that tells
/// the garbage collector that the thread is in native code. That transition is more than half of what <c>NativeMemory</c> costs beyond
/// malloc; a program may leave it out only of calls that are short and never block, so these figures are a bound for what .NET can get out
/// of the library, and not what it gets without care.
/// </summary>
internal sealed unsafe class MallocPeer
{
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nuint, void*> _allocate;
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, void> _free;

    private MallocPeer(string name, nint allocate, nint free)
    {
        Name = name;
        _allocate = (delegate* unmanaged[Cdecl, SuppressGCTransition]<nuint, void*>)allocate;
        _free = (delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, void>)free;
    }

    public string Name { get; }

    /// <summary>The functions go by the library's own prefix where it has one, and by the plain names where it was built to replace
    /// malloc.</summary>
    public static bool TryMake(PeerLibrary library, string prefix, [NotNullWhen(true)] out MallocPeer? peer)
    {
        peer = TryFind(library, prefix, out nint allocate, out nint free) || TryFind(library, "", out allocate, out free)
            ? new MallocPeer(library.Name, allocate, free)
            : null;
        return peer is not null;
    }

    public MallocBlocks MakeBlocks() => new(_allocate, _free);

    // A library without a malloc of its own leads to that of the C library, on which it depends: that is no peer.
    private static bool TryFind(PeerLibrary library, string prefix, out nint allocate, out nint free)
    {
        free = 0;
        return library.TryGetExport(prefix + "malloc", out allocate)
            && library.TryGetExport(prefix + "free", out free)
            && (library == PeerLibraries.System || !PeerLibraries.System.TryGetExport("malloc", out nint common) || common != allocate);
    }
}

/// <summary>Such a malloc in a timed loop: the JIT keeps both pointers in registers.</summary>
internal readonly unsafe struct MallocBlocks(
    delegate* unmanaged[Cdecl, SuppressGCTransition]<nuint, void*> allocate,
    delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, void> free) : IBlocks<MallocBlocks, NativeBlock>
{
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nuint, void*> _allocate = allocate;
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, void> _free = free;

    public static bool IsOneForAll => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public NativeBlock Allocate(nuint size) => new(_allocate(size));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(NativeBlock block) => _free(block.Address);

    public MallocBlocks MakeSpace() => this;

    public void Dispose()
    {
    }
}
