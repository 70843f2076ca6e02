using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Clients grow by regions as they need, and give back what they do not.</summary>
public unsafe class RegionTests
{
    private const int BlockSize = 4_096;

    [Fact]
    public void A_client_takes_nothing_until_it_allocates()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        Assert.Equal((nuint)0, client.TotalSize);
        Assert.Equal((nuint)0, context.GetStatistics().InUse);
        client.Allocate(1);
        Assert.Equal((nuint)BlockSize, client.TotalSize);
        Assert.Equal((nuint)BlockSize, context.GetStatistics().InUse);
    }

    [Fact]
    public void A_client_grows_when_its_regions_are_full_and_not_before()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        for (int i = 1; i <= 10 * 16; i++)
        {
            client.Allocate(256);
            Assert.Equal((nuint)((i + 15) / 16 * BlockSize), client.TotalSize);
        }
    }

    [Fact]
    public void Clients_that_grow_in_turn_never_share_a_region()
    {
        using MemoryContext context = Create();
        using MemoryClient one = context.CreateClient("one");
        using MemoryClient two = context.CreateClient("two");
        Dictionary<nuint, MemoryClient> holders = [];
        for (int i = 0; i < 10 * 16; i++)
        {
            MemoryClient client = i % 2 == 0 ? one : two;
            nuint granule = (nuint)client.Allocate(256) / BlockSize;
            Assert.Same(client, holders.TryGetValue(granule, out MemoryClient? holder) ? holder : holders[granule] = client);
        }
    }

    /// <summary>All but one of the regions that empty go back at once.</summary>
    [Fact]
    public void A_client_keeps_one_empty_region_at_the_most()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        nint[] blocks = [.. Enumerable.Range(0, 10 * 16).Select(_ => (nint)client.Allocate(256))];
        Assert.Equal((nuint)(10 * BlockSize), client.TotalSize);
        foreach (nint block in blocks)
        {
            client.Free((void*)block);
        }

        Assert.InRange(client.TotalSize, (nuint)0, (nuint)BlockSize);
        Assert.Equal(client.TotalSize, context.GetStatistics().InUse);
        Assert.Equal(10, client.GetStatistics().RegionsTaken);
        context.Validate();
    }

    [Fact]
    public void A_large_block_takes_its_region_with_it()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        void* block = client.Allocate((3 * BlockSize) - 5);
        Assert.Equal((nuint)(3 * BlockSize), client.TotalSize);
        Assert.Equal(1, client.GetStatistics().Regions);
        client.Free(block);
        Assert.Equal((nuint)0, client.TotalSize);
    }

    /// <summary>A pair of calls at the edge does not take and give back a region each time.</summary>
    [Fact]
    public void A_pair_at_the_edge_takes_one_region()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        for (int i = 0; i < 16; i++)
        {
            client.Allocate(256);
        }

        for (int i = 0; i < 1_000; i++)
        {
            client.Free(client.Allocate(256));
        }

        Assert.Equal(2, client.GetStatistics().RegionsTaken);
    }

    [Fact]
    public void Trim_gives_back_what_is_not_needed()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        void* kept = client.Allocate(2_048);
        nint[] freed = [.. Enumerable.Range(0, 40).Select(_ => (nint)client.Allocate(1_000))];
        Array.ForEach(freed, block => client.Free((void*)block));
        nuint before = client.TotalSize;
        Assert.Equal(before - BlockSize, client.Trim());
        Assert.Equal((nuint)BlockSize, client.TotalSize);
        Assert.Equal((nuint)0, client.GetStatistics().Cached);
        Assert.Equal((nuint)2_048, client.GetStatistics().LargestFree);
        Assert.Equal((nuint)0, client.Trim());
        client.Free(kept);
        client.Trim();
        Assert.Equal((nuint)0, client.TotalSize);
    }

    [Fact]
    public void Trim_of_the_context_is_that_of_all_clients()
    {
        using MemoryContext context = Create();
        MemoryClient[] clients = [.. Enumerable.Range(0, 5).Select(i => context.CreateClient($"client-{i}"))];
        Array.ForEach(clients, client => client.Free(client.Allocate(100)));
        Assert.Equal((nuint)(5 * BlockSize), context.GetStatistics().InUse);
        Assert.Equal((nuint)(5 * BlockSize), context.Trim());
        Assert.Equal((nuint)0, context.GetStatistics().InUse);
        Assert.Equal((nuint)0, context.Trim());
    }

    /// <summary>Before a request fails, what others hold without need is taken back, be it an empty region or cached blocks.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(2_048)]
    [InlineData(BlockSize)]
    [InlineData(16 * BlockSize)]
    public void What_others_hold_without_need_is_no_reason_to_fail(int size)
    {
        using MemoryContext context = Create();
        MemoryClient[] idle = [.. Enumerable.Range(0, 16).Select(i => context.CreateClient($"idle-{i}"))];
        Array.ForEach(idle, client => client.Free(client.Allocate(100)));
        Assert.Equal((nuint)0, context.GetStatistics().Free);

        using MemoryClient needy = context.CreateClient("needy");
        nuint got = 0;
        while (needy.TryAllocate((nuint)size, out _))
        {
            got += (nuint)size;
        }

        Assert.Equal(context.Size, got);
        Assert.Equal(1, needy.GetStatistics().Failures);
        context.Validate();
    }

    /// <summary>The same where what is in the way is the client's own.</summary>
    [Fact]
    public void What_a_client_cached_is_no_reason_to_fail()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        nint[] small = new nint[16 * BlockSize / 16];
        for (int i = 0; i < small.Length; i++)
        {
            small[i] = (nint)client.Allocate(16);
        }

        Array.ForEach(small, block => client.Free((void*)block));
        Assert.True(client.TryAllocate(16 * BlockSize, out void* all));
        client.Free(all);
        for (int i = 0; i < 32; i++)
        {
            Assert.True(client.TryAllocate(2_048, out _), $"The block {i} of 32 was refused.");
        }
    }

    /// <summary>In a large context a client's regions double, and still all of it can be had, and all of it goes back.</summary>
    [Fact]
    public void All_of_a_large_context_can_be_had_and_goes_back()
    {
        using MemoryContext context = new(1_000 * BlockSize, new MemoryContextOptions { BlockSize = BlockSize });
        MemoryClient client = context.CreateClient("client");
        List<nint> blocks = [];
        while (client.TryAllocate(1_000, out void* block))
        {
            blocks.Add((nint)block);
        }

        Assert.Equal(4_000, blocks.Count);
        Assert.InRange(client.GetStatistics().Regions, 2, 100);
        context.Validate();
        blocks.ForEach(block => client.Free((void*)block));
        client.Trim();
        Assert.Equal(context.Size, context.GetStatistics().LargestFree);
    }

    private static MemoryContext Create() => new(16 * BlockSize, new MemoryContextOptions { Alignment = 16, BlockSize = BlockSize });
}
