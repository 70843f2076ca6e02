using Vmem.Memory.Tests.Internals;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Deleting a client costs what its regions cost, however many blocks are in them.</summary>
public unsafe class DisposalCostTests(ITestOutputHelper output)
{
    private const int Regions = 64;
    private const int BlockSize = 65_536;
    private const int MostAttempts = 4;           // more than there are kinds of code. Otherwise arbitrary

    /// <summary>The same regions, filled with few blocks and with very many.</summary>
    [Fact]
    public void The_steps_of_a_deletion_do_not_depend_on_the_number_of_blocks()
    {
        (long few, long fewBlocks, long fewRegions) = Delete(32_768);
        (long many, long manyBlocks, long manyRegions) = Delete(16);
        output.WriteLine($"{fewBlocks} blocks in {fewRegions} regions: {few} steps; {manyBlocks} blocks in {manyRegions} regions: {many} steps");
        Assert.Equal(2 * Regions, fewBlocks);
        Assert.Equal(4_096 * Regions, manyBlocks);
        Assert.Equal(fewRegions, manyRegions);
        Assert.True(few > 0, "Nothing was counted.");

        // By chance a region is found a step earlier or later: each table of regions has a hash of its own.
        Assert.InRange(many, few - fewRegions, few + fewRegions);
    }

    /// <summary>Nor do those of going back to a mark, but for the few blocks that lie in a cache.</summary>
    [Fact]
    public void The_steps_of_going_back_do_not_depend_on_the_number_of_blocks()
    {
        (long few, long fewBlocks) = GoBack(32_768);
        (long many, long manyBlocks) = GoBack(16);
        output.WriteLine($"{fewBlocks} blocks: {few} steps; {manyBlocks} blocks: {many} steps");
        Assert.InRange(manyBlocks, 1_000 * fewBlocks, long.MaxValue);
        Assert.True(few > 0 && many > 0, "Nothing was counted.");

        // Not from few on: each table of regions has a hash of its own, and by chance a region is found a step earlier.
        Assert.InRange(many, 1, few + 32);
    }

    /// <summary>Four times the regions cost at most a little more than four times as much.</summary>
    [Fact]
    public void The_steps_of_a_deletion_grow_with_the_number_of_regions()
    {
        (long quarter, _, _) = Delete(BlockSize, Regions / 4);
        (long all, _, long regions) = Delete(BlockSize, Regions);
        output.WriteLine($"{Regions / 4} regions: {quarter} steps; {Regions}: {all}");
        Assert.Equal(Regions, regions);
        Assert.InRange(all, quarter, 6 * quarter);
    }

    [Fact]
    public void A_deletion_makes_no_garbage()
    {
        using MemoryContext context = new(Garbage.MostSeries * Regions * BlockSize);
        Queue<MemoryClient> clients = new();
        for (int i = 0; i < Garbage.MostSeries; i++)
        {
            MemoryClient client = context.CreateClient("client");
            FillUp(client, 64, Regions);
            clients.Enqueue(client);
        }

        Assert.Equal(0, Garbage.Of(1, () => clients.Dequeue().Dispose()));
    }

    /// <summary>A client after another makes no more garbage than the client itself is, whatever it allocates. The runtime may optimise
    /// the code after the first of two measurements: then they are taken again.</summary>
    [Fact]
    public void Clients_that_come_and_go_use_the_same_records()
    {
        OptimizedCode.Require(typeof(MemoryContext).Assembly);
        using MemoryContext context = new(Regions * BlockSize);
        (long few, long many) = (0, -1);
        for (int attempt = 0; attempt < MostAttempts && many != few; attempt++)
        {
            (few, many) = (CostOf(context, 8), CostOf(context, Regions));
        }

        Assert.True(many == few, $"A client with a few regions costs {few} bytes, one with many {many}.");
    }

    private static long CostOf(MemoryContext context, int regions) => Garbage.Of(1, () =>
    {
        using MemoryClient client = context.CreateClient("client");
        FillUp(client, 64, regions);
    });

    private static (long Steps, long Blocks, long Regions) Delete(nuint size, int granules = Regions)
    {
        using MemoryContext context = new(Regions * BlockSize);
        MemoryClient client = context.CreateClient("client");
        FillUp(client, size, granules);
        MemoryClientStatistics statistics = client.GetStatistics();
        _ = Steps.Take();
        client.Dispose();
        return (Steps.Take(), statistics.LiveBlocks, statistics.Regions);
    }

    private static (long Steps, long Blocks) GoBack(nuint size)
    {
        using MemoryContext context = new(Regions * BlockSize);
        using MemoryClient client = context.CreateClient("client");
        _ = client.Allocate(32_768);
        MemoryMark mark = client.Mark();
        FillUp(client, size, Regions / 2);
        long blocks = client.GetStatistics().LiveBlocks;
        _ = Steps.Take();
        client.Release(mark);
        long steps = Steps.Take();
        Assert.Equal(1, client.GetStatistics().LiveBlocks);
        return (steps, blocks);
    }

    private static void FillUp(MemoryClient client, nuint size, int granules)
    {
        while (client.InUse < (nuint)granules * BlockSize && client.TryAllocate(size, out _))
        {
        }
    }
}
