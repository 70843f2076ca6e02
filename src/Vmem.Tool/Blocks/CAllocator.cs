using System.Runtime.InteropServices;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Blocks;

/// <summary>The C library's malloc as a .NET program gets it: <see cref="NativeMemory"/>. All of a process share it.</summary>
internal sealed unsafe class CAllocator(nint sizeOf) : BlockAllocator(AllocatorKind.Malloc)
{
    private readonly delegate* unmanaged[Cdecl]<void*, nuint> _sizeOf = (delegate* unmanaged[Cdecl]<void*, nuint>)sizeOf;

    public override bool TryAllocate(nuint size, out void* block)
    {
        try
        {
            block = NativeMemory.Alloc(size);
            return true;
        }
        catch (OutOfMemoryException)
        {
            block = null;
            return false;
        }
    }

    public override void Free(void* block) => NativeMemory.Free(block);

    public override nuint SizeOf(void* block) => _sizeOf(block);
}
