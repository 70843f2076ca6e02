using System.Runtime.CompilerServices;
using Vmem.Memory;

namespace Vmem.Benchmarks.Blocks;

/// <summary>A <see cref="NativeHeap"/>: one for all threads, as malloc is, or one for each space.</summary>
internal readonly unsafe struct HeapBlocks : IBlocks<HeapBlocks, NativeBlock>
{
    private readonly NativeHeap _heap;
    private readonly bool _isShared;
    private readonly bool _owns;

    public HeapBlocks(bool isShared)
        : this(new NativeHeap(), isShared, owns: true)
    {
    }

    /// <summary>A heap that stays.</summary>
    public HeapBlocks(NativeHeap heap)
        : this(heap, isShared: true, owns: false)
    {
    }

    private HeapBlocks(NativeHeap heap, bool isShared, bool owns)
    {
        _heap = heap;
        _isShared = isShared;
        _owns = owns;
    }

    public static bool IsOneForAll => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public NativeBlock Allocate(nuint size) => new(_heap.Allocate(size));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(NativeBlock block) => _heap.Free(block.Address);

    public HeapBlocks MakeSpace() => _isShared ? new HeapBlocks(_heap, isShared: true, owns: false) : new HeapBlocks(isShared: false);

    public void Dispose()
    {
        if (_owns)
        {
            _heap.Dispose();
        }
    }
}
