using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Deleting a client gives back all it ever allocated; and then there is nothing left to call.</summary>
public unsafe class DisposalTests
{
    private const int BlockSize = 4_096;

    [Fact]
    public void Whatever_a_client_leaked_comes_back()
    {
        using MemoryContext context = Create();
        for (int round = 0; round < 50; round++)
        {
            MemoryClient client = context.CreateClient($"leaky-{round}");
            nuint size = (nuint)(1 + (round * 37));
            while (client.TryAllocate(size, out _))
            {
            }

            Assert.True(client.InUse > context.Size / 4);
            client.Dispose();
            MemoryContextStatistics statistics = context.GetStatistics();
            Assert.Equal(context.Size, statistics.LargestFree);
            Assert.Equal(0, statistics.Regions);
            Assert.Equal(0, statistics.Clients);
            Assert.Equal(round + 1, statistics.ClientsDeleted);
            context.Validate();
        }
    }

    [Fact]
    public void One_clients_end_is_none_of_anothers_business()
    {
        using MemoryContext context = Create();
        MemoryClient doomed = context.CreateClient("doomed");
        MemoryClient living = context.CreateClient("living");
        List<nint> blocks = [];
        for (int i = 0; i < 100; i++)
        {
            doomed.Allocate(200);
            byte* block = (byte*)living.Allocate(200);
            new Span<byte>(block, 256).Fill((byte)i);
            blocks.Add((nint)block);
        }

        MemoryClientStatistics before = living.GetStatistics();
        doomed.Dispose();
        Assert.Equal(before, living.GetStatistics());
        for (int i = 0; i < blocks.Count; i++)
        {
            Assert.Equal(-1, new ReadOnlySpan<byte>((void*)blocks[i], 256).IndexOfAnyExcept((byte)i));
            living.Free((void*)blocks[i]);
        }

        context.Validate();
    }

    [Fact]
    public void A_disposed_client_refuses_every_call()
    {
        using MemoryContext context = Create();
        MemoryClient client = context.CreateClient("gone");
        nint block = (nint)client.Allocate(100);
        nint large = (nint)client.Allocate(3 * BlockSize);
        client.Dispose();
        client.Dispose();
        AssertGone(client, block);
        AssertGone(client, large);
        Assert.False(client.Owns((void*)block));
        Assert.True(client.IsDisposed);
        MemoryClientStatistics statistics = client.GetStatistics();
        Assert.Equal((nuint)0, statistics.InUse);
        Assert.Equal((nuint)0, statistics.TotalSize);
        Assert.Equal(0, statistics.LiveBlocks);
        Assert.Equal(2, statistics.Allocations);
        Assert.Equal(1, context.GetStatistics().ClientsDeleted);
        Assert.Equal("gone", client.Name);
    }

    /// <summary>A short way through the allocator must not lead past its end: the caches were full.</summary>
    [Fact]
    public void A_disposed_client_has_nothing_in_its_caches()
    {
        using MemoryContext context = Create();
        MemoryClient client = context.CreateClient("gone", quota: 1_000_000);
        nint[] blocks = [.. Enumerable.Range(0, 64).Select(_ => (nint)client.Allocate(16))];
        Array.ForEach(blocks[..32], block => client.Free((void*)block));
        client.Dispose();
        foreach (nuint size in new nuint[] { 0, 1, 16, 17, 2_048, 4_096 })
        {
            Assert.Throws<ObjectDisposedException>(() => client.TryAllocate(size, out _));
        }

        Assert.All(blocks, block => Assert.Throws<ObjectDisposedException>(() => client.Free((void*)block)));
        Assert.Equal(0, client.GetStatistics().CachedBlocks);
    }

    /// <summary>The addresses are another client's now: the old one's blocks are not, and it cannot free them.</summary>
    [Fact]
    public void A_disposed_client_does_not_reach_its_successor()
    {
        using MemoryContext context = Create();
        MemoryClient gone = context.CreateClient("gone");
        HashSet<nint> blocks = [.. Enumerable.Range(0, 64).Select(_ => (nint)gone.Allocate(64))];
        gone.Dispose();
        using MemoryClient successor = context.CreateClient("successor");
        nint[] taken = [.. Enumerable.Range(0, 64).Select(_ => (nint)successor.Allocate(64))];
        Assert.True(blocks.SetEquals(taken), "The successor was meant to get the same places.");
        Assert.All(taken, block => Assert.Throws<ObjectDisposedException>(() => gone.Free((void*)block)));
        Assert.Equal(64, successor.GetStatistics().LiveBlocks);
        context.Validate();
    }

    /// <summary>What a disposed client says of itself does not change with what its successor does.</summary>
    [Fact]
    public void A_disposed_clients_figures_stay_as_they_are()
    {
        using MemoryContext context = Create();
        MemoryClient gone = context.CreateClient("gone");
        gone.Free(gone.Allocate(100));
        gone.Allocate(BlockSize);
        gone.Dispose();
        MemoryClientStatistics before = gone.GetStatistics();
        using MemoryClient successor = context.CreateClient("successor");
        successor.Allocate(100);
        successor.Free(successor.Allocate(100));
        Assert.True(successor.GetStatistics().CachedBlocks > 0);
        Assert.Equal(before, gone.GetStatistics());
        Assert.Equal((nuint)0, before.Cached);
        Assert.Equal((nuint)0, before.LargestFree);
        Assert.Equal((nuint)0, before.Free);
        Assert.Equal((2L, 1L), (before.Allocations, before.Frees));
    }

    /// <summary>What was live when its client went is not live in the next one's eyes, though nothing was done for the single
    /// block.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(256)]
    [InlineData(BlockSize)]
    [InlineData(3 * BlockSize)]
    public void A_successor_cannot_free_what_its_predecessor_leaked(int size)
    {
        using MemoryContext context = Create();
        MemoryClient gone = context.CreateClient("gone");
        List<nint> leaked = [];
        while (gone.TryAllocate((nuint)size, out void* block))
        {
            leaked.Add((nint)block);
        }

        gone.Dispose();
        using MemoryClient successor = context.CreateClient("successor");
        while (successor.TryAllocate(2_048, out _))
        {
        }

        foreach (nint block in leaked)
        {
            bool isStart = (nuint)block % 2_048 == 0;
            if (!isStart)
            {
                InvalidFreeException refusal = Assert.Throws<InvalidFreeException>(() => successor.Free((void*)block));
                Assert.Equal(InvalidFreeReason.InteriorAddress, refusal.Reason);
            }
        }

        successor.Dispose();
        using MemoryClient third = context.CreateClient("third");
        third.Allocate(16);
        Assert.All(leaked, block => Assert.Throws<InvalidFreeException>(() => third.Free((void*)(block + 32))));
        Assert.Equal((nuint)16, third.InUse);
        context.Validate();
    }

    [Fact]
    public void A_disposed_context_takes_its_clients_with_it()
    {
        MemoryContext context = Create();
        MemoryClient client = context.CreateClient("client");
        nint block = (nint)client.Allocate(100);
        context.Dispose();
        context.Dispose();
        Assert.True(client.IsDisposed);
        AssertGone(client, block);
        client.Dispose();
        Assert.Throws<ObjectDisposedException>(() => context.CreateClient("late"));
        Assert.Throws<ObjectDisposedException>(context.Validate);
        Assert.Empty(context.GetClients());
        Assert.False(context.TryGetClient((void*)block, out _));
        Assert.Equal((nuint)0, context.Trim());
        Assert.Equal(0, context.GetStatistics().Clients);
    }

    [Fact]
    public void Clients_are_listed_in_the_order_of_their_creation()
    {
        using MemoryContext context = Create();
        MemoryClient[] clients = [.. Enumerable.Range(0, 6).Select(i => context.CreateClient($"client-{i}"))];
        Assert.Equal(clients, context.GetClients());
        clients[0].Dispose();
        clients[3].Dispose();
        clients[5].Dispose();
        Assert.Equal([clients[1], clients[2], clients[4]], context.GetClients());
        MemoryClient last = context.CreateClient("last");
        Assert.Equal([clients[1], clients[2], clients[4], last], context.GetClients());
        Assert.All(context.GetClients(), client => Assert.Same(context, client.Context));
    }

    private static void AssertGone(MemoryClient client, nint block)
    {
        Assert.Throws<ObjectDisposedException>(() => client.Allocate(16));
        Assert.Throws<ObjectDisposedException>(() => client.AllocateZeroed(16));
        Assert.Throws<ObjectDisposedException>(() => client.AllocateAligned(16, 64));
        Assert.Throws<ObjectDisposedException>(() => client.TryAllocate(16, out _));
        Assert.Throws<ObjectDisposedException>(() => client.AllocateSpan<int>(4));
        Assert.Throws<ObjectDisposedException>(() => client.Rent<int>(4));
        Assert.Throws<ObjectDisposedException>(() => client.Reallocate(null, 16));
        Assert.Throws<ObjectDisposedException>(() => client.Reallocate((void*)block, 16));
        Assert.Throws<ObjectDisposedException>(() => client.TryResize((void*)block, 16));
        Assert.Throws<ObjectDisposedException>(() => client.GetSize((void*)block));
        Assert.Throws<ObjectDisposedException>(() => client.Free((void*)block));
        Assert.Throws<ObjectDisposedException>(() => client.Free(new Span<byte>((void*)block, 10)));
        Assert.Throws<ObjectDisposedException>(() => client.Trim());
    }

    private static MemoryContext Create() => new(16 * BlockSize, new MemoryContextOptions { Alignment = 16, BlockSize = BlockSize });
}
