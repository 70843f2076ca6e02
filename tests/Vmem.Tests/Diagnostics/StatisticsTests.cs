using Xunit;

namespace Vmem.Tests.Diagnostics;

public class StatisticsTests
{
    [Fact]
    public void Every_figure_is_exact()
    {
        using Arena<uint> arena = new("figures", 0, 1_000, 4, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        uint first = arena.Allocate(98);
        arena.Allocate(100);
        uint third = arena.Allocate(300);
        arena.Free(first, 98);
        Assert.False(arena.TryAllocate(600, out _));
        ArenaStatistics<uint> statistics = arena.GetStatistics();
        Assert.Equal(
            new ArenaStatistics<uint>
            {
                TotalSize = 1_000,
                InUse = 400,
                Free = 600,
                LargestFree = 500,
                PeakInUse = 500,
                Allocations = 3,
                Frees = 1,
                Failures = 1,
                LiveSegments = 2,
                FreeSegments = 2,
                BookkeepingBytes = statistics.BookkeepingBytes,
            },
            statistics);
        Assert.Equal(1 - (500.0 / 600), statistics.Fragmentation, 12);
        Assert.True(statistics.BookkeepingBytes > 0);
        arena.Free(third, 300);
        Assert.Equal(800u, arena.GetStatistics().LargestFree);
        Assert.Equal(500u, arena.GetStatistics().PeakInUse);
    }

    [Fact]
    public void Fragmentation_of_an_arena_with_nothing_free_is_zero()
    {
        using Arena<uint> arena = new("full", 0, 16, 1);
        arena.Allocate(16);
        Assert.Equal(0, arena.GetStatistics().Fragmentation);
        Assert.Equal(0u, arena.GetStatistics().LargestFree);
    }

    /// <summary>The sizes of one size class differ; the largest of them counts, whichever was freed last.</summary>
    [Fact]
    public void The_largest_free_segment_is_exact_within_a_size_class()
    {
        foreach (bool largestFirst in (bool[])[true, false])
        {
            using Arena<ulong> arena = new("classes", 1);
            ulong[] sizes = largestFirst ? [1_000_003, 1_000_002, 1_000_001] : [1_000_001, 1_000_002, 1_000_003];
            for (int i = 0; i < sizes.Length; i++)
            {
                arena.AddSpan((ulong)i * 10_000_000, sizes[i]);
            }

            Assert.Equal(1_000_003ul, arena.GetStatistics().LargestFree);
            Assert.True(arena.TryAllocate(1_000_003, FitPolicy.InstantFit, out _));
            Assert.Equal(1_000_002ul, arena.GetStatistics().LargestFree);
            arena.TryAllocate(1, FitPolicy.BestFit, out _);
            Assert.Equal(1_000_002ul, arena.GetStatistics().LargestFree);
        }
    }

    [Fact]
    public void Sums_that_a_byte_cannot_hold_saturate()
    {
        using Arena<byte> arena = new("bytes", 0, 128, 1);
        arena.AddSpan(128, 128);
        Assert.Equal((255, 0, 255, 128), Amounts(arena));
        arena.Allocate(1, FitPolicy.FirstFit);
        Assert.Equal((255, 1, 255, 128), Amounts(arena));
        arena.Allocate(1, FitPolicy.FirstFit);
        Assert.Equal((255, 2, 254, 128), Amounts(arena));
        arena.Allocate(126, FitPolicy.FirstFit);
        arena.Allocate(128);
        Assert.Equal((255, 255, 0, 0), Amounts(arena));
        Assert.Equal(255, arena.GetStatistics().PeakInUse);
    }

    [Fact]
    public void The_dump_shows_spans_segments_and_figures()
    {
        using Arena<uint> arena = new("shown", 0x1000, 0x100, 16, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        arena.Allocate(0x20);
        uint second = arena.Allocate(0x40);
        arena.Allocate(0x20);
        arena.Free(second, 0x40);
        using StringWriter writer = new();
        arena.Dump(writer);
        string[] lines = [.. writer.ToString().Split('\n').Select(line => line.TrimEnd())];
        Assert.Contains(lines, line => line.Contains("'shown'", StringComparison.Ordinal) && line.Contains("16", StringComparison.Ordinal));
        Assert.Single(lines, line => line.EndsWith("span", StringComparison.Ordinal));
        Assert.Equal(2, lines.Count(line => line.EndsWith("allocated", StringComparison.Ordinal)));
        Assert.Equal(2, lines.Count(line => line.EndsWith("free", StringComparison.Ordinal)));
        Assert.Contains(lines, line => line.Contains("00001020", StringComparison.Ordinal) && line.Contains("0000105f", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["32", "2", "0"]);
    }

    private static (int Total, int InUse, int Free, int LargestFree) Amounts(Arena<byte> arena)
    {
        ArenaStatistics<byte> statistics = arena.GetStatistics();
        return (statistics.TotalSize, statistics.InUse, statistics.Free, statistics.LargestFree);
    }
}
