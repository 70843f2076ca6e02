using Vmem.Memory;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Blocks;

/// <summary>A <see cref="NativeHeap"/> of its own, without debugging whatever the environment says: that would be measured.</summary>
internal sealed unsafe class HeapAllocator(ulong? limit) : BlockAllocator(AllocatorKind.Heap)
{
    private readonly NativeHeap _heap =
        new(new NativeHeapOptions { Name = "replay", Limit = (nuint)(limit ?? 0), Debugging = HeapDebugging.None });

    public override ulong? Held => _heap.GetStatistics().Held;

    public override bool TryAllocate(nuint size, out void* block) => _heap.TryAllocate(size, out block);

    public override void Free(void* block) => _heap.Free(block);

    public override nuint SizeOf(void* block) => _heap.GetSize(block);

    public override void Trim() => _heap.Trim();

    public override void Dispose()
    {
        _heap.Dispose();
        base.Dispose();
    }
}
