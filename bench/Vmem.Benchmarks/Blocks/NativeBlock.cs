using System.Runtime.CompilerServices;

namespace Vmem.Benchmarks.Blocks;

/// <summary>A block outside the managed heap.</summary>
internal readonly unsafe struct NativeBlock(void* address) : IBlock
{
    public void* Address
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get;
    } = address;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(nint value) => *(nint*)Address = value;
}
