using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Which tables of a heap that was disposed of are kept for the next, and what they lead to.</summary>
[Collection(Footprint.Collection)]
public unsafe class SpareTablesTests
{
    private static readonly NativeHeapOptions s_options = new() { Name = "spare tables", Debugging = HeapDebugging.None };

    /// <summary>Only so many are kept, and other tests may have left as many, of other kinds.</summary>
    public SpareTablesTests() => ((IUpkeepTarget)SpareHeaps.Shared).RelievePressure();

    /// <summary>A mebibyte is not too much, and more is.</summary>
    [Theory]
    [InlineData(1 << 20, 1 << 20, true)]
    [InlineData(900_000, 958_464, true)]
    [InlineData((1 << 20) - 4_096, (1 << 20) + 40_960, false)]
    public void A_heap_that_holds_at_most_a_mebibyte_is_used_again(int size, int held, bool isKept)
    {
        NativeHeap heap = new(s_options);
        void* run = heap.Allocate((nuint)size);
        heap.Free(size < 1 << 20 ? heap.Allocate(40_000) : null);
        heap.Free(run);
        Assert.Equal((nuint)held, heap.GetStatistics().Held);
        PlainHeap plain = PlainOf(heap);
        heap.Dispose();
        using NativeHeap next = new(s_options);
        _ = next.Allocate(100);
        Assert.Equal(isKept, ReferenceEquals(plain, PlainOf(next)));
    }

    /// <summary>It is kept for others, for how long nobody knows.</summary>
    [Fact]
    public void What_is_kept_does_not_lead_to_whom_its_user_wanted_to_be_called_by()
    {
        (WeakReference user, PlainHeap plain) = UseAndDispose();
        for (int i = 0; i < 10 && user.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        using NativeHeap next = new(s_options);
        _ = next.Allocate(100);
        Assert.Same(plain, PlainOf(next));
        Assert.False(user.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (WeakReference User, PlainHeap Plain) UseAndDispose()
        {
            object user = new();
            NativeHeap heap = new(s_options with { CallbackRefused = _ => GC.KeepAlive(user) });
            _ = heap.Allocate(100);
            PlainHeap plain = PlainOf(heap);
            heap.Dispose();
            return (new WeakReference(user), plain);
        }
    }

    private static PlainHeap PlainOf(NativeHeap heap) => LayersOf(heap).Plain;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_layers")]
    private static extern ref HeapLayers LayersOf(NativeHeap heap);
}
