using System.Buffers;
using System.Collections.Concurrent;
using Xunit;

namespace Vmem.Memory.Tests.Isolation.Concurrency;

/// <summary>Several threads at once: on clients of their own, on one client, while others come and go.</summary>
public unsafe class ClientStressTests
{
    private const int BlockSize = 4_096;
    private const int Threads = 4;
    private const int Rounds = 15_000;

    public static TheoryData<MemoryContextFeatures> Features =>
    [
        MemoryContextFeatures.ZeroOnHandOver,
        MemoryContextFeatures.GuardBytes | MemoryContextFeatures.PoisonOnFree,
        MemoryContextFeatures.ZeroOnFree,
    ];

    /// <summary>Space is short: clients take back from each other all the time.</summary>
    [Theory]
    [MemberData(nameof(Features))]
    public void Threads_with_clients_of_their_own_do_not_meet(MemoryContextFeatures features)
    {
        using MemoryContext context = Create(features, granules: 24);
        Workers.Run(
            Threads,
            index =>
            {
                for (int life = 0; life < 10; life++)
                {
                    using MemoryClient client = context.CreateClient($"client-{index}-{life}");
                    ClientWorker worker = new(client, index);
                    worker.Work(Rounds / 10);
                    MemoryClientStatistics statistics = client.GetStatistics();
                    Assert.Equal(worker.Blocks, statistics.LiveBlocks);
                    Assert.Equal(worker.Allocations, statistics.Allocations);
                    if (life % 2 == 0)
                    {
                        worker.FreeAll();
                        Assert.Equal((nuint)0, client.InUse);
                    }
                }
            },
            () => Watch(context));
        AssertEmpty(context, Threads * 10);
    }

    [Theory]
    [MemberData(nameof(Features))]
    public void Threads_that_share_a_client_share_no_block(MemoryContextFeatures features)
    {
        using MemoryContext context = Create(features, granules: 64);
        using MemoryClient client = context.CreateClient("shared");
        ClientWorker[] workers = [.. Enumerable.Range(0, Threads).Select(index => new ClientWorker(client, index))];
        Workers.Run(Threads, index => workers[index].Work(Rounds), () => Watch(context));
        MemoryClientStatistics statistics = client.GetStatistics();
        Assert.Equal(workers.Sum(worker => worker.Blocks), statistics.LiveBlocks);
        Assert.Equal(workers.Sum(worker => worker.Allocations), statistics.Allocations);
        context.Validate();
        Array.ForEach(workers, worker => worker.FreeAll());
        Assert.Equal((nuint)0, client.InUse);
        client.Dispose();
        AssertEmpty(context, 1);
    }

    /// <summary>Blocks are made by one thread and freed by another.</summary>
    [Fact]
    public void A_block_may_be_freed_by_another_thread()
    {
        using MemoryContext context = Create(MemoryContextFeatures.ZeroOnHandOver, granules: 64);
        using MemoryClient client = context.CreateClient("handed-on");
        using BlockingCollection<nint> blocks = new(boundedCapacity: 200);
        int producers = 2;
        int freed = 0;
        Workers.Run(Threads, index =>
        {
            if (index < 2)
            {
                ClientWorker worker = new(client, index);
                for (int i = 0; i < Rounds; i++)
                {
                    if (worker.Take() is var block and not 0)
                    {
                        blocks.Add(block);
                    }
                }

                if (Interlocked.Decrement(ref producers) == 0)
                {
                    blocks.CompleteAdding();
                }

                return;
            }

            foreach (nint block in blocks.GetConsumingEnumerable())
            {
                ClientWorker.CheckAndFree(client, block);
                Interlocked.Increment(ref freed);
            }
        });
        MemoryClientStatistics statistics = client.GetStatistics();
        Assert.Equal(freed, statistics.Frees);
        Assert.Equal(0, statistics.LiveBlocks);
        context.Validate();
    }

    /// <summary>Whoever calls a client that goes away is told so, and nothing else happens.</summary>
    [Fact]
    public void A_client_may_be_disposed_of_while_others_call_it()
    {
        using MemoryContext context = Create(MemoryContextFeatures.ZeroOnHandOver, granules: 32);
        for (int round = 0; round < 100; round++)
        {
            MemoryClient client = context.CreateClient($"doomed-{round}");
            int calls = 0;
            Workers.Run(Threads, index =>
            {
                try
                {
                    while (index > 0 || Volatile.Read(ref calls) < 200)
                    {
                        Interlocked.Increment(ref calls);
                        if (client.TryAllocate((nuint)(1 + (calls % 5_000)), out void* block) && calls % 3 != 0)
                        {
                            client.Free(block);
                        }
                    }

                    client.Dispose();
                }
                catch (ObjectDisposedException)
                {
                }
            });
            Assert.True(client.IsDisposed);
            Assert.Equal(0, client.GetStatistics().LiveBlocks);
        }

        AssertEmpty(context, 100);
    }

    [Fact]
    public void A_context_may_be_disposed_of_while_clients_are_at_work()
    {
        for (int round = 0; round < 100; round++)
        {
            MemoryContext context = Create(MemoryContextFeatures.ZeroOnHandOver, granules: 16);
            MemoryClient shared = context.CreateClient("shared");
            int calls = 0;
            Workers.Run(Threads, index =>
            {
                try
                {
                    MemoryClient client = index == 1 ? shared : context.CreateClient($"client-{index}");
                    while (index > 0 || Volatile.Read(ref calls) < 200)
                    {
                        Interlocked.Increment(ref calls);
                        client.TryAllocate((nuint)(1 + (calls % 5_000)), out void* block);
                        if (calls % 3 != 0)
                        {
                            client.Free(block);
                        }

                        _ = context.GetStatistics();
                    }

                    context.Dispose();
                }
                catch (ObjectDisposedException)
                {
                }
            });
            Assert.Empty(context.GetClients());
            Assert.True(shared.IsDisposed);
        }
    }

    /// <summary>An owner disposed of by two threads frees once, and never throws because its client goes away meanwhile.</summary>
    [Fact]
    public void An_owner_may_be_disposed_of_by_several_threads_and_with_its_client()
    {
        using MemoryContext context = Create(MemoryContextFeatures.ZeroOnHandOver, granules: 16);
        for (int round = 0; round < 200; round++)
        {
            MemoryClient client = context.CreateClient("client");
            IMemoryOwner<byte>[] owners = [.. Enumerable.Range(0, 200).Select(_ => client.Rent<byte>(100))];
            bool disposesClient = round % 2 == 0;
            Workers.Run(3, index =>
            {
                if (index == 2 && disposesClient)
                {
                    Thread.SpinWait(round * 20);
                    client.Dispose();
                    return;
                }

                Array.ForEach(owners, owner => owner.Dispose());
            });
            Assert.Equal((nuint)0, client.InUse);
            Assert.True(disposesClient || client.GetStatistics().Frees == owners.Length);
            client.Dispose();
        }

        AssertEmpty(context, 200);
    }

    [Fact]
    public void Of_two_frees_of_one_block_exactly_one_succeeds()
    {
        using MemoryContext context = Create(MemoryContextFeatures.ZeroOnHandOver, granules: 32);
        using MemoryClient client = context.CreateClient("client");
        const int Blocks = 3_000;
        nint[] blocks = [.. Enumerable.Range(0, Blocks).Select(i => (nint)client.Allocate(i % 300 == 0 ? (nuint)BlockSize : 8))];
        int succeeded = 0;
        int refused = 0;
        Workers.Run(2, _ =>
        {
            foreach (nint block in blocks)
            {
                try
                {
                    client.Free((void*)block);
                    Interlocked.Increment(ref succeeded);
                }
                catch (InvalidFreeException wrong) when (wrong.Reason is InvalidFreeReason.AlreadyFree or InvalidFreeReason.NotAllocated)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        });
        Assert.Equal(Blocks, succeeded);
        Assert.Equal(Blocks, refused);
        Assert.Equal((nuint)0, client.InUse);
        context.Validate();
    }

    [Fact]
    public void A_shared_quota_is_never_passed()
    {
        using MemoryContext context = Create(MemoryContextFeatures.ZeroOnHandOver, granules: 32);
        using MemoryClient client = context.CreateClient("bounded", quota: 10_000);
        Workers.Run(
            Threads,
            index => new ClientWorker(client, index).Work(Rounds / 3),
            () => Assert.InRange(client.InUse, (nuint)0, (nuint)10_000));
        MemoryClientStatistics statistics = client.GetStatistics();
        Assert.InRange(statistics.PeakInUse, (nuint)5_000, (nuint)10_000);
        Assert.True(statistics.Failures > 0, "The quota was meant to be reached.");
    }

    private static MemoryContext Create(MemoryContextFeatures features, int granules) =>
        new(
            (nuint)(granules * BlockSize),
            new MemoryContextOptions { BlockSize = BlockSize, Features = features | MemoryContextFeatures.Synchronized });

    /// <summary>Looks at the context in every way; what it sees must be consistent in itself.</summary>
    private static void Watch(MemoryContext context)
    {
        context.Validate();
        MemoryContextStatistics statistics = context.GetStatistics();
        Assert.Equal(statistics.TotalSize, statistics.InUse + statistics.Free);
        Assert.True(statistics.LargestFree <= statistics.Free && statistics.InUse <= statistics.PeakInUse);
        foreach (MemoryClient client in context.GetClients())
        {
            MemoryClientStatistics figures = client.GetStatistics();
            Assert.Equal(figures.TotalSize, figures.InUse + figures.Cached + figures.Free);
            Assert.True(figures.InUse <= figures.PeakInUse);
        }

        for (nuint at = 0; at < context.Size; at += BlockSize)
        {
            Assert.True(!context.TryGetClient((byte*)context.Start + at, out MemoryClient? client) || client!.Context == context);
        }

        context.Trim();
        context.Dump(TextWriter.Null);
    }

    private static void AssertEmpty(MemoryContext context, int clients)
    {
        context.Validate();
        MemoryContextStatistics statistics = context.GetStatistics();
        Assert.Equal(context.Size, statistics.LargestFree);
        Assert.Equal(0, statistics.Regions);
        Assert.Equal(0, statistics.Clients);
        Assert.Equal(clients, statistics.ClientsCreated);
        Assert.Equal(clients, statistics.ClientsDeleted);
    }
}
