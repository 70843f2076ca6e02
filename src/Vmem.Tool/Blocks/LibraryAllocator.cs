using Vmem.Tool.Replay;

namespace Vmem.Tool.Blocks;

/// <summary>The malloc of a native library, called with the transition that <c>NativeMemory</c> makes too. All of a process share
/// it.</summary>
internal sealed unsafe class LibraryAllocator(AllocatorKind kind, nint allocate, nint free, nint sizeOf) : BlockAllocator(kind)
{
    private readonly delegate* unmanaged[Cdecl]<nuint, void*> _allocate = (delegate* unmanaged[Cdecl]<nuint, void*>)allocate;
    private readonly delegate* unmanaged[Cdecl]<void*, void> _free = (delegate* unmanaged[Cdecl]<void*, void>)free;
    private readonly delegate* unmanaged[Cdecl]<void*, nuint> _sizeOf = (delegate* unmanaged[Cdecl]<void*, nuint>)sizeOf;

    public override bool TryAllocate(nuint size, out void* block)
    {
        block = _allocate(size);
        return block is not null;
    }

    public override void Free(void* block) => _free(block);

    public override nuint SizeOf(void* block) => _sizeOf(block);
}
