using System.Buffers;
using System.Collections.Concurrent;
using Vmem.Memory.Tests.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Growth;

/// <summary>How often a thread touches what all threads write: it enters a lock, or changes a shared word. That is what keeps many
/// processors from working side by side, and it can be counted on two (docs/performance.md, "On paper").</summary>
/// <remarks>Where nothing is shared the bound is 0; elsewhere it is twice what was counted, and half of it.</remarks>
public sealed unsafe class SharedTouchTests(ITestOutputHelper output)
{
    private const int Operations = 100_000;

    // No interval ends while it is counted: what a machine is slow enough for is no touch of the operations.
    private static readonly NativeHeapOptions s_plain =
        new() { Debugging = HeapDebugging.None, RetainedInterval = TimeSpan.FromHours(1) };

    /// <summary>A block that is freed comes next.</summary>
    [Theory]
    [InlineData(64)]
    [InlineData(512)]
    [InlineData(4_096)]
    [InlineData(32_768)]
    [InlineData(100_000)]
    [InlineData(1_048_576)]
    public void A_pair_touches_nothing_that_is_shared(int size)
    {
        using NativeHeap heap = new(s_plain);
        void Pair() => heap.Free(heap.Allocate((nuint)size));
        for (int i = 0; i < 1_000; i++)
        {
            Pair();
        }

        Assert.Equal(0, Count(Pair));
    }

    /// <summary>10,000 live blocks of 8 to 512 bytes, replaced at random: a magazine is empty or full now and then. Another thread has
    /// done the same, and is there still: so what threads exchange is in use. Now and then the heap has more than ever and looks for what
    /// it can give back, which is some sixty touches at once: that is in the mean of a million operations.</summary>
    [Fact]
    public void The_mix_touches_it_for_few_operations_in_a_thousand()
    {
        using NativeHeap heap = new(s_plain);
        using ManualResetEventSlim isWarm = new();
        using ManualResetEventSlim isCounted = new();
        Thread other = new(() =>
        {
            Action replace = Mix(heap, seed: 2);
            isWarm.Set();
            isCounted.Wait(TestContext.Current.CancellationToken);
            replace();
        });
        other.Start();
        isWarm.Wait(TestContext.Current.CancellationToken);
        try
        {
            const int Counts = 10;
            Action replace = Mix(heap, seed: 1);
            Check("mix", Enumerable.Range(0, Counts).Sum(_ => Count(replace)) / Counts, least: 0.0003, most: 0.0012);
        }
        finally
        {
            isCounted.Set();
            other.Join();
        }
    }

    /// <summary>One thread allocates, another frees: what crosses goes by whole magazines.</summary>
    [Fact]
    public void A_block_that_another_thread_frees_goes_home_by_the_batch()
    {
        const int Rounds = 2_000;
        const int Batch = 256;
        using NativeHeap heap = new(s_plain);
        using BlockingCollection<nuint[]> crossing = new(8);
        long freeing = 0;
        Thread thread = new(() =>
        {
            int round = 0;
            foreach (nuint[] batch in crossing.GetConsumingEnumerable(TestContext.Current.CancellationToken))
            {
                if (round++ == Rounds / 10)
                {
                    _ = Steps.TakeShared();
                }

                Array.ForEach(batch, block => heap.Free((void*)block));
            }

            freeing = Steps.TakeShared();
        });
        thread.Start();
        for (int round = 0; round < Rounds; round++)
        {
            if (round == Rounds / 10)
            {
                _ = Steps.TakeShared();
            }

            var batch = new nuint[Batch];
            foreach (ref nuint block in batch.AsSpan())
            {
                block = (nuint)heap.Allocate(64);
            }

            crossing.Add(batch, TestContext.Current.CancellationToken);
        }

        long allocating = Steps.TakeShared();
        crossing.CompleteAdding();
        thread.Join();
        Check("hand-over", (allocating + freeing) * Operations / (Rounds * 9 / 10 * Batch), least: 0.01, most: 0.06);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(4_096)]
    [InlineData(100_000)]
    public void A_rental_touches_nothing_that_is_shared(int size)
    {
        using NativeHeap heap = new(s_plain);
        using NativeMemoryPool<byte> pool = new(heap);
        void Pair() => pool.Rent(size).Dispose();
        for (int i = 0; i < 1_000; i++)
        {
            Pair();
        }

        Assert.Equal(0, Count(Pair));
    }

    [Fact]
    public void A_pair_of_a_client_touches_nothing_that_is_shared()
    {
        using MemoryContext context = new(1 << 24);
        using MemoryClient client = context.CreateClient("one");
        void Pair() => client.Free(client.Allocate(64));
        for (int i = 0; i < 1_000; i++)
        {
            Pair();
        }

        Assert.Equal(0, Count(Pair));
    }

    /// <summary>A replacement of one of 10,000 blocks, which have been replaced ten times each.</summary>
    private static Action Mix(NativeHeap heap, int seed)
    {
        Random random = new(seed);
        var blocks = new nuint[10_000];
        void Replace()
        {
            ref nuint block = ref blocks[random.Next(blocks.Length)];
            heap.Free((void*)block);
            block = (nuint)heap.Allocate((nuint)random.Next(8, 513));
        }

        for (int i = 0; i < 10 * blocks.Length; i++)
        {
            Replace();
        }

        return Replace;
    }

    private static long Count(Action operation)
    {
        _ = Steps.TakeShared();
        for (int i = 0; i < Operations; i++)
        {
            operation();
        }

        return Steps.TakeShared();
    }

    private void Check(string what, long touches, double least, double most)
    {
        output.WriteLine($"{what}: {(double)touches / Operations:0.0000} touches an operation");
        Assert.InRange((double)touches / Operations, least, most);
    }
}
