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

    /// <summary>What docs/memory.md says of a thread's first calls: 5 KB for the heap, 1.2 KB for each class. In Debug magazines are
    /// longer: each field that threads share has a reference for the explorer there.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public void A_threads_first_use_of_a_heap_and_of_a_class_makes_one_small_array_each()
    {
        OptimizedCode.Require(typeof(NativeHeap).Assembly);
        long first = long.MaxValue;
        long worst = long.MaxValue;
        for (int round = 0; round < 3; round++)              // the first rounds warm up
        {
            using NativeHeap heap = new();
            WarmUp(heap);
            using ManualResetEventSlim end = new();
            List<Thread> threads = [];
            for (int i = 0; i < 4; i++)                      // what all threads share grows for one of them, or for two
            {
                using ManualResetEventSlim done = new();
                Thread thread = new(() =>
                {
                    first = Math.Min(first, Pair(heap, 1_000));
                    worst = Math.Min(worst, Enumerable.Range(1, 500).Max(i => Pair(heap, (nuint)(i * 64))));
                    done.Set();
                    end.Wait(CancellationToken.None);                              // its number is not the next one's
                });
                thread.Start();
                threads.Add(thread);
                done.Wait(TestContext.Current.CancellationToken);
            }

            end.Set();
            threads.ForEach(static thread => thread.Join());
        }

        Assert.InRange(first, 1_000, 6_200);
        Assert.InRange(worst, 50, 1_200);
    }

    /// <summary>Another thread makes what the heap has once for all threads.</summary>
    private static void WarmUp(NativeHeap heap)
    {
        for (nuint size = 0; size <= 33_000; size += 16)
        {
            nuint[] blocks = [.. Enumerable.Range(0, 200).Select(_ => (nuint)heap.Allocate(size))];
            Array.ForEach(blocks, block => heap.Free((void*)block));
        }
    }

    /// <summary>The bytes of as many allocations and frees as a thread needs before its magazine of a class is there.</summary>
    private static long Pair(NativeHeap heap, nuint size)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 3; i++)
        {
            heap.Free(heap.Allocate(size));
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static long Measure(Action calls) => Garbage.Of(Rounds, calls);
}
