using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Benchmarks.Blocks;

/// <summary>What .NET has for the same purpose inside the managed heap: arrays of bytes from the shared <see cref="ArrayPool{T}"/>. It
/// keeps some arrays of each power of two for each thread and processor, and leaves the others to the garbage collector.</summary>
internal readonly struct ArrayPoolBlocks : IBlocks<ArrayPoolBlocks, ArrayBlock>
{
    public static bool IsOneForAll => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArrayBlock Allocate(nuint size) => new(ArrayPool<byte>.Shared.Rent((int)size));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(ArrayBlock block) => ArrayPool<byte>.Shared.Return(block.Array);

    public ArrayPoolBlocks MakeSpace() => this;

    public void Dispose()
    {
    }
}

/// <summary>An array of the pool.</summary>
internal readonly struct ArrayBlock(byte[] array) : IBlock
{
    public byte[] Array
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get;
    } = array;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(nint value) => Unsafe.WriteUnaligned(ref MemoryMarshal.GetArrayDataReference(Array), value);
}
