using System.Runtime.CompilerServices;
using Vmem.Memory;

namespace Vmem.Benchmarks.Blocks;

/// <summary>A <see cref="NativeHeap"/> that does not check frees. A type of its own, so that its loops are compiled for it.</summary>
internal readonly unsafe struct TrustingHeapBlocks : IBlocks<TrustingHeapBlocks, NativeBlock>
{
    private readonly NativeHeap _heap;
    private readonly bool _owns;

    public TrustingHeapBlocks()
        : this(new NativeHeap(new NativeHeapOptions { TrustCaller = true }), owns: true)
    {
    }

    private TrustingHeapBlocks(NativeHeap heap, bool owns)
    {
        _heap = heap;
        _owns = owns;
    }

    public static bool IsOneForAll => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public NativeBlock Allocate(nuint size) => new(_heap.Allocate(size));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(NativeBlock block) => _heap.Free(block.Address);

    public TrustingHeapBlocks MakeSpace() => new(_heap, owns: false);

    public void Dispose()
    {
        if (_owns)
        {
            _heap.Dispose();
        }
    }
}
