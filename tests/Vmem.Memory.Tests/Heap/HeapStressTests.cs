using Vmem.Memory.Tests.Platform;
using Vmem.Testing.Generation;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Many threads on one heap: blocks that go from one thread to another, and threads that come and go.</summary>
public unsafe class HeapStressTests(ITestOutputHelper output)
{
    private const string SoakVariable = "VMEM_SOAK_MINUTES";

    /// <summary>All sizes, blocks freed by whoever meets them, and trims, figures and checks going on meanwhile.</summary>
    [Fact]
    public void Threads_pass_blocks_around()
    {
        using NativeHeap heap = new();
        Storm(heap, threads: 4, operations: 60_000, seed: 1);
    }

    [Fact]
    public void Threads_pass_blocks_around_in_a_heap_that_is_nearly_full()
    {
        using NativeHeap heap = new(new NativeHeapOptions { Limit = 12 << 20 });
        Storm(heap, threads: 4, operations: 30_000, seed: 2);
    }

    /// <summary>Few classes, so that threads meet in depots and slabs; intervals end all the while.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void Threads_pass_blocks_of_few_classes_around_while_intervals_end(int seed)
    {
        ManualTime time = new();
        using NativeHeap heap = new(new NativeHeapOptions { TimeProvider = time });
        Storm(heap, threads: 3, operations: 60_000, (ulong)seed, [16, 72, 256, 1_000, 30_000], time);
    }

    /// <summary>For as many minutes as VMEM_SOAK_MINUTES says.</summary>
    [Fact]
    public void Soak()
    {
        bool isAsked = double.TryParse(Environment.GetEnvironmentVariable(SoakVariable), out double minutes);
        Assert.SkipUnless(isAsked, $"runs for minutes, and only if you say how many: {SoakVariable}=10 dotnet test …");
        DateTime end = DateTime.UtcNow.AddMinutes(minutes);
        using NativeHeap heap = new();
        for (ulong seed = 0; DateTime.UtcNow < end; seed++)
        {
            output.WriteLine($"Seed {seed}");
            Storm(heap, threads: 8, operations: 500_000, seed);
            using NativeHeap small = new(new NativeHeapOptions { Limit = (nuint)(4 + (seed % 60)) << 20 });
            Storm(small, threads: 8, operations: 200_000, seed);
        }
    }

    /// <summary>One thread allocates, another frees: what the heap holds stays near what is on the way.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(1_000)]
    [InlineData(20_000)]
    public void A_producer_and_a_consumer_need_no_more_than_is_on_the_way(int size)
    {
        const int Batch = 200;
        const int Batches = 400;
        using NativeHeap heap = new();
        nuint[][] places = [new nuint[Batch], new nuint[Batch]];
        using Barrier barrier = new(2);
        Exception? fault = null;
        Thread consumer = new(() =>
        {
            for (int batch = 0; batch < Batches; batch++)
            {
                barrier.SignalAndWait(TestContext.Current.CancellationToken);
                foreach (nuint block in places[batch & 1])
                {
                    if (*(int*)block != batch)
                    {
                        fault = new InvalidOperationException($"Batch {batch} holds {*(int*)block}.");
                    }

                    heap.Free((void*)block);
                }
            }
        });
        consumer.Start();
        nuint peak = 0;
        for (int batch = 0; batch < Batches; batch++)
        {
            for (int i = 0; i < Batch; i++)
            {
                places[batch & 1][i] = (nuint)heap.Allocate((nuint)size);
                *(int*)places[batch & 1][i] = batch;
            }

            barrier.SignalAndWait(TestContext.Current.CancellationToken);
            peak = nuint.Max(peak, batch % 10 == 0 ? heap.GetStatistics().Held : 0);
        }

        consumer.Join();
        Assert.Null(fault);
        heap.Validate();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        // Two batches, the depot, both threads' magazines, and two slabs that are cut on.
        nuint bound = (nuint)(2 * Batch * size * 9 / 8) + (512 << 10) + (4 * 16 << 10) + (4 * (256u << 10));
        Assert.True(peak <= bound, $"At the peak it held {peak}, the bound is {bound}.");
    }

    /// <summary>Threads that use the heap and end leave nothing behind that grows with their number. In a process of its own: how many
    /// numbers its threads go through depends on how many threads of others use heaps at once.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public void Ten_thousand_threads_leave_nothing_behind()
    {
        (int exitCode, string said) = ChildProcess.Run(typeof(HeapStressTests), nameof(Run_ten_thousand_threads));
        Assert.True(exitCode == 0, said);
    }

    [Fact(Explicit = true)]
    public void Run_ten_thousand_threads()
    {
        using NativeHeap heap = new();
        nuint early = 0;
        for (int i = 0; i < 10_000; i += 4)
        {
            Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() => UseAndLeave(heap), 256 * 1024))];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            early = i == 400 ? heap.GetStatistics().Held : early;
        }

        NativeHeapStatistics statistics = heap.GetStatistics();
        Assert.Equal(0, statistics.LiveBlocks);
        Assert.True(statistics.Held <= early * 2, $"After a hundred threads the heap held {early}, now {statistics.Held}.");
        heap.Validate();
        _ = heap.Trim();
        Assert.Equal(0u, heap.GetStatistics().Held);
    }

    /// <summary>Heaps that come and go on several threads, each the heir of another's space.</summary>
    [Fact]
    public void Heaps_come_and_go_on_many_threads()
    {
        Exception? fault = null;
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(number => new Thread(() =>
        {
            try
            {
                for (int round = 0; round < 100; round++)
                {
                    using NativeHeap heap = new();
                    for (int i = 0; i < 100; i++)
                    {
                        nuint size = (nuint)(i * i * 7 % 40_000);
                        void* block = heap.AllocateZeroed(size);
                        nuint usable = heap.GetSize(block);
                        Assert.True(Pattern.IsZero(block, usable));
                        Pattern.Write(block, usable, number);
                        if (i % 3 == 0)
                        {
                            Assert.True(Pattern.Holds(block, usable, number));
                            heap.Free(block);
                        }
                    }

                    Assert.Equal(66, heap.GetStatistics().LiveBlocks);
                    heap.Validate();
                }
            }
            catch (Exception e)
            {
                fault = e;
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Null(fault);
    }

    private static void UseAndLeave(NativeHeap heap)
    {
        var blocks = stackalloc nuint[20];
        for (int i = 0; i < 20; i++)
        {
            blocks[i] = (nuint)heap.Allocate((nuint)(i * 60));
        }

        for (int i = 0; i < 20; i++)
        {
            heap.Free((void*)blocks[i]);
        }
    }

    private static void Storm(NativeHeap heap, int threads, int operations, ulong seed, int[]? sizes = null, ManualTime? time = null)
    {
        HeapStorm storm = new(heap, sizes, time);
        NativeHeapStatistics before = heap.GetStatistics();
        Thread[] workers = [
            .. Enumerable.Range(0, threads)
                .Select(i => new Thread(() => storm.Work(new SeededRandom(((Night.FirstSeed + seed) * 100) + (ulong)i), operations)))
        ];
        Thread inspector = new(storm.Inspect);
        Array.ForEach(workers, worker => worker.Start());
        inspector.Start();
        Array.ForEach(workers, worker => worker.Join());
        storm.End();
        inspector.Join();
        storm.FreeAll();
        Assert.Null(storm.Fault);
        heap.Validate();
        NativeHeapStatistics after = heap.GetStatistics();
        Assert.Equal((0, 0u), (after.LiveBlocks, after.InUse));
        Assert.Equal((storm.Allocations, storm.Allocations), (after.Allocations - before.Allocations, after.Frees - before.Frees));
        _ = heap.Trim();
        Assert.Equal(0u, heap.GetStatistics().Held);
    }
}
