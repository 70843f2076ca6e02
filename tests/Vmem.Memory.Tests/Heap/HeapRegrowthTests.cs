using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Platform;
using Vmem.Memory.Tests.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>A heap that has the tables of one that was disposed of grows as a new one does. By itself: so few tables are kept that other
/// tests' heaps may take all places, and other tests give them up.</summary>
[Collection(Footprint.Collection)]
public sealed unsafe class HeapRegrowthTests : IDisposable
{
    private static readonly NativeHeapOptions s_options = new() { Name = "regrowth", Debugging = HeapDebugging.None };

    private readonly OwnWindow _own = new();

    public HeapRegrowthTests() => ((IUpkeepTarget)SpareHeaps.Shared).RelievePressure();

    public void Dispose() => _own.Dispose();

    /// <summary>What the one before it has had at most does not count.</summary>
    [Fact]
    public void The_next_heap_with_the_same_tables_looks_as_a_new_one_does()
    {
        NativeHeap before = _own.NewHeap(s_options);
        void* block = before.Allocate(60 << 20);
        before.Free(block);
        _ = before.Trim();
        PlainHeap plain = PlainOf(before);
        before.Dispose();
        using NativeHeap heap = _own.NewHeap(s_options);
        nuint live = HeapGrowthTests.GrowBesideHoles(heap);
        Assert.Same(plain, PlainOf(heap));
        Assert.InRange(heap.GetStatistics().Resident, live, live + (live / 4));
    }

    private static PlainHeap PlainOf(NativeHeap heap) => LayersOf(heap).Plain;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_layers")]
    private static extern ref HeapLayers LayersOf(NativeHeap heap);
}
