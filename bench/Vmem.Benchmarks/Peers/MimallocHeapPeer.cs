using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Blocks;

namespace Vmem.Benchmarks.Peers;

/// <summary>
/// mimalloc's first-class heaps: what native code has that comes closest to an isolated client. A heap belongs to the thread that made it
/// and is destroyed with every block in it; unlike a client it has no quota, no memory of its own kept from others, checks no free, and
/// zeroes nothing for the next owner.
/// </summary>
internal sealed unsafe class MimallocHeapPeer
{
    private MimallocHeapPeer(nint create, nint allocate, nint free, nint destroy)
    {
        Create = (delegate* unmanaged[Cdecl]<void*>)create;
        Allocate = (delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, nuint, void*>)allocate;
        Free = (delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, void>)free;
        Destroy = (delegate* unmanaged[Cdecl]<void*, void>)destroy;
    }

    // Creating and destroying may call the system: these two keep the transition, a hundredth of what they take.
    public delegate* unmanaged[Cdecl]<void*> Create { get; }

    public delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, nuint, void*> Allocate { get; }

    public delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, void> Free { get; }

    public delegate* unmanaged[Cdecl]<void*, void> Destroy { get; }

    public static bool TryMake(PeerLibrary library, [NotNullWhen(true)] out MimallocHeapPeer? peer)
    {
        peer = library.TryGetExport("mi_heap_new", out nint create)
            && library.TryGetExport("mi_heap_malloc", out nint allocate)
            && library.TryGetExport("mi_free", out nint free)
            && library.TryGetExport("mi_heap_destroy", out nint destroy)
            ? new MimallocHeapPeer(create, allocate, free, destroy)
            : null;
        return peer is not null;
    }

    public MimallocHeapBlocks MakeBlocks() => new(this);
}

/// <summary>A heap of mimalloc in a timed loop.</summary>
internal readonly unsafe struct MimallocHeapBlocks : IBlocks<MimallocHeapBlocks, NativeBlock>
{
    private readonly MimallocHeapPeer _peer;
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, nuint, void*> _allocate;
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, void> _free;
    private readonly void* _heap;

    public MimallocHeapBlocks(MimallocHeapPeer peer)
    {
        _peer = peer;
        _allocate = peer.Allocate;
        _free = peer.Free;
        _heap = peer.Create();
    }

    public static bool IsOneForAll => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public NativeBlock Allocate(nuint size) => new(_allocate(_heap, size));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(NativeBlock block) => _free(block.Address);

    public MimallocHeapBlocks MakeSpace() => new(_peer);

    public void Dispose() => _peer.Destroy(_heap);
}
