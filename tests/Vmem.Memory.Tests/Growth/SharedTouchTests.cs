using System.Buffers;
using System.Collections.Concurrent;
using Vmem.Memory.Tests.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Growth;

/// <summary>How often a thread touches what all threads write: it enters a lock, or changes a shared word. That is what keeps many
/// processors from working side by side, and it can be counted on two (docs/performance.md, "On paper").</summary>
/// <remarks>The bounds are twice what was counted, or none at all where a promise says none.</remarks>
public sealed unsafe class SharedTouchTests(ITestOutputHelper output)
{
    private const int Operations = 100_000;

    private static readonly NativeHeapOptions s_plain = new() { Debugging = HeapDebugging.None };

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

    /// <summary>10,000 live blocks of 8 to 512 bytes, replaced at random: a magazine is empty or full now and then.</summary>
    [Fact]
    public void The_mix_touches_it_for_few_operations_in_a_thousand()
    {
        using NativeHeap heap = new(s_plain);
        Random random = new(1);
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

        Check("mix", Count(Replace), most: 0.002);
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
            foreach (nuint[] batch in crossing.GetConsumingEnumerable())
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

            crossing.Add(batch);
        }

        long allocating = Steps.TakeShared();
        crossing.CompleteAdding();
        thread.Join();
        Check("hand-over", (allocating + freeing) * Operations / (Rounds * 9 / 10 * Batch), most: 0.05);
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

        Check($"rental of {size}", Count(Pair), most: 0);
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

        Check("client", Count(Pair), most: 0);
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

    private void Check(string what, long touches, double most)
    {
        output.WriteLine($"{what}: {(double)touches / Operations:0.0000} touches an operation");
        Assert.InRange((double)touches / Operations, 0, most);
    }
}
