using System.Reflection;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Figures are exact, named, and none is left out.</summary>
public unsafe class StatisticsTests
{
    private const int BlockSize = 4_096;

    [Fact]
    public void A_clients_figures_are_exact()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client", 10 * BlockSize);
        void* small = client.Allocate(100);
        void* large = client.Allocate(5_000);
        void* freed = client.Allocate(1_024);
        client.Free(freed);
        client.TryAllocate(20 * BlockSize, out _);
        MemoryClientStatistics statistics = client.GetStatistics();
        Assert.Equal("client", statistics.Name);
        Assert.Equal((nuint)(10 * BlockSize), statistics.Quota);
        Assert.Equal((nuint)(3 * BlockSize), statistics.TotalSize);
        Assert.Equal((nuint)(128 + 8_192), statistics.InUse);
        Assert.Equal((nuint)(128 + 8_192 + 1_024), statistics.PeakInUse);
        Assert.Equal(2, statistics.LiveBlocks);
        Assert.Equal(2, statistics.Regions);
        Assert.Equal(2, statistics.RegionsTaken);
        Assert.Equal(3, statistics.Allocations);
        Assert.Equal(1, statistics.Frees);
        Assert.Equal(1, statistics.Failures);
        Assert.Equal(statistics.TotalSize, statistics.InUse + statistics.Cached + statistics.Free);
        Assert.True(statistics.CachedBlocks >= 1 && statistics.Cached >= 1_024);
        Assert.InRange(statistics.LargestFree, (nuint)1_024, statistics.Free);
        Assert.Equal(1 - ((100 + 5_000 + 1_024) / (128.0 + 8_192 + 1_024)), statistics.InternalWaste, 1e-12);
        Assert.Equal(statistics.InUse, client.InUse);
        Assert.Equal(statistics.TotalSize, client.TotalSize);
        client.Free(small);
        client.Free(large);
    }

    /// <summary>What went back is neither live nor freed, and stays so when the client ends.</summary>
    [Fact]
    public void The_end_of_a_client_changes_no_figure_of_what_went_back_before()
    {
        using MemoryContext context = Create();
        MemoryClient client = context.CreateClient("client");
        client.Free(client.Allocate(100));
        client.Allocate(100);
        client.Reset();
        MemoryMark mark = client.Mark();
        client.Allocate(100);
        client.Allocate(100);
        client.Release(mark);
        client.Allocate(100);
        client.Dispose();
        MemoryClientStatistics figures = client.GetStatistics();
        Assert.Equal((5, 1, 0), (figures.Allocations, figures.Frees, figures.LiveBlocks));
    }

    [Fact]
    public void A_contexts_figures_are_exact()
    {
        using MemoryContext context = Create();
        MemoryClient one = context.CreateClient("one");
        MemoryClient two = context.CreateClient("two");
        one.Allocate(BlockSize);
        two.Allocate(3 * BlockSize);
        one.Dispose();
        MemoryClient three = context.CreateClient("three");
        three.Allocate(BlockSize);
        MemoryContextStatistics statistics = context.GetStatistics();
        Assert.Equal((nuint)(16 * BlockSize), statistics.TotalSize);
        Assert.Equal((nuint)(4 * BlockSize), statistics.InUse);
        Assert.Equal((nuint)(12 * BlockSize), statistics.Free);
        Assert.Equal((nuint)(4 * BlockSize), statistics.PeakInUse);
        Assert.Equal(2, statistics.Clients);
        Assert.Equal(2, statistics.Regions);
        Assert.Equal(3, statistics.ClientsCreated);
        Assert.Equal(1, statistics.ClientsDeleted);
        Assert.Equal((ulong)BlockSize, statistics.BytesZeroedOnHandOver);
        Assert.InRange(statistics.BookkeepingBytes, 1, 16 * BlockSize);
        Assert.Equal(1 - ((double)statistics.LargestFree / statistics.Free), statistics.Fragmentation);
        Assert.Equal(context.Size, statistics.TotalSize);
    }

    [Fact]
    public void Fragmentation_is_what_no_large_request_can_use()
    {
        using MemoryContext context = Create();
        MemoryClient[] clients = [.. Enumerable.Range(0, 16).Select(i => context.CreateClient($"client-{i}"))];
        nint[] blocks = [.. clients.Select(client => (nint)client.Allocate(BlockSize))];
        Assert.Equal(0, context.GetStatistics().Fragmentation);
        int[] order = [.. Enumerable.Range(0, 16).OrderBy(i => blocks[i])];
        for (int i = 0; i < 16; i += 2)
        {
            clients[order[i]].Dispose();
        }

        Assert.Equal((nuint)BlockSize, context.GetStatistics().LargestFree);
        Assert.Equal(1 - (1 / 8.0), context.GetStatistics().Fragmentation);
        Assert.False(clients[order[1]].TryAllocate(BlockSize + 1, out _));
    }

    /// <summary>A property that nobody fills would be zero here.</summary>
    [Fact]
    public void Every_figure_is_populated()
    {
        using MemoryContext context = Create();
        MemoryClient before = context.CreateClient("before");
        void* written = before.Allocate(BlockSize);
        before.Allocate(BlockSize);
        before.Dispose();
        MemoryClient client = context.CreateClient("client", 12 * BlockSize);
        client.Allocate(6 * BlockSize);
        void* freed = client.Allocate(2 * BlockSize);
        client.Allocate(BlockSize);
        client.Free(freed);
        client.Functions.Free(client.Functions.Context, freed);
        _ = context.Trim();
        client.Free(client.Allocate(2 * BlockSize));
        client.Allocate(100);
        client.TryAllocate(16 * BlockSize, out _);
        AssertPopulated(client.GetStatistics());
        AssertPopulated(context.GetStatistics());
        Assert.True(written is not null);
    }

    [Fact]
    public void A_dump_has_a_line_for_each_client()
    {
        using MemoryContext context = Create();
        MemoryClient one = context.CreateClient("first-client", 123_456);
        context.CreateClient("second-client").Allocate(BlockSize);
        one.Allocate(100);
        using StringWriter writer = new();
        context.Dump(writer);
        string[] lines = writer.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string first = Assert.Single(lines, line => line.Contains("first-client", StringComparison.Ordinal));
        Assert.Contains("123456", first, StringComparison.Ordinal);
        Assert.Contains(" 128 ", first, StringComparison.Ordinal);
        Assert.Contains(" 4096 ", Assert.Single(lines, line => line.Contains("second-client", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("65536", lines[0], StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => context.Dump(null!));
    }

    /// <summary>The tables are small beside what they describe.</summary>
    [Theory]
    [InlineData(MemoryContextFeatures.None, 0.10)]
    [InlineData(MemoryContextFeatures.GuardBytes, 0.35)]
    public void Bookkeeping_is_a_small_part_of_the_block(MemoryContextFeatures features, double share)
    {
        using MemoryContext context = new(64 << 20, new MemoryContextOptions { Features = features });
        using MemoryClient client = context.CreateClient("client");
        while (client.TryAllocate(8, out _))
        {
        }

        long bookkeeping = context.GetStatistics().BookkeepingBytes;
        Assert.True(bookkeeping < share * context.Size, $"{bookkeeping} bytes describe {context.Size}.");
    }

    private static MemoryContext Create() => new(16 * BlockSize, new MemoryContextOptions { Alignment = 16, BlockSize = BlockSize });

    private static void AssertPopulated<TStatistics>(TStatistics statistics)
        where TStatistics : struct
    {
        foreach (PropertyInfo property in typeof(TStatistics).GetProperties())
        {
            object value = property.GetValue(statistics)!;
            object nothing = property.PropertyType.IsValueType ? Activator.CreateInstance(property.PropertyType)! : "";
            Assert.False(value.Equals(nothing), $"{typeof(TStatistics).Name}.{property.Name} is {value}.");
        }
    }
}
