using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>After warm-up no call on blocks makes managed garbage.</summary>
public unsafe class GarbageTests
{
    private const int Rounds = 200;

    [Fact]
    public void No_call_makes_garbage()
    {
        using NativeHeap heap = new();
        var blocks = new nuint[2_000];
        Assert.Equal(0, Measure(() =>
        {
            for (int i = 0; i < blocks.Length; i++)
            {
                blocks[i] = (nuint)heap.Allocate((nuint)(i % 700));
            }

            foreach (nuint block in blocks)
            {
                heap.Free((void*)block);
            }

            heap.Free(heap.Allocate(1_000), 1_000);
            heap.Free(heap.AllocateZeroed(1_000));
            heap.Free(heap.AllocateAligned(1_000, 4_096));
            heap.Free(heap.AllocateAligned(1_000, 1 << 16));
            heap.Free(heap.AllocateZeroed(100_000));
            _ = heap.TryAllocate(50, out void* tried);
            void* longer = heap.Reallocate(heap.Reallocate(tried, 5_000), 200_000);
            longer = heap.Reallocate(longer, 400_000);
            _ = heap.GetSize(longer) + (heap.Owns((byte*)longer + 1) ? 1u : 0);
            heap.Free(longer);
            _ = heap.GetStatistics();
        }));
    }

    private static long Measure(Action calls) => Garbage.Of(Rounds, calls);
}
