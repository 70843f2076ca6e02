using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Benchmarks.Blocks;

/// <summary><see cref="NativeMemory"/>: malloc as a .NET program gets it, transition into native code and back included.</summary>
internal readonly unsafe struct SystemBlocks : IBlocks<SystemBlocks>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Allocate(nuint size) => NativeMemory.Alloc(size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* block) => NativeMemory.Free(block);

    public SystemBlocks MakeSpace() => this;

    public void Dispose()
    {
    }
}
