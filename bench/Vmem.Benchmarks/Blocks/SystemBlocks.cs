using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Benchmarks.Blocks;

/// <summary><see cref="NativeMemory"/>: malloc as a .NET program gets it, transition into native code and back included.</summary>
internal readonly unsafe struct SystemBlocks : IBlocks<SystemBlocks, NativeBlock>
{
    public static bool IsOneForAll => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public NativeBlock Allocate(nuint size) => new(NativeMemory.Alloc(size));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(NativeBlock block) => NativeMemory.Free(block.Address);

    public SystemBlocks MakeSpace() => this;

    public void Dispose()
    {
    }
}
