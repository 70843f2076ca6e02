using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Which search answers a request without constraints, and what it leaves behind.</summary>
public sealed class SegmentMapSearchTests
{
    [Theory]
    [InlineData(FitPolicy.FirstFit)]
    [InlineData(FitPolicy.LastFit)]
    [InlineData(FitPolicy.NextFit)]
    [InlineData(FitPolicy.OldestFit)]
    [InlineData(FitPolicy.RandomFit)]
    [InlineData(FitPolicy.BestFit)]
    public void No_index_is_begun_for_what_is_longer_than_all_that_is_free(FitPolicy policy)
    {
        using SegmentMap<uint> map = Holes(count: 4, size: 64, quantum: 16);
        long bytes = map.BookkeepingBytes;
        Assert.Equal(0u, map.Find(policy, 80, out _, inSteps: false));
        var placement = new Placement<uint>(80, new RangeConstraints<uint> { Min = 16 }, 16);
        Assert.Equal(0u, map.FindConstrained(policy, placement, out _));
        Assert.Equal(bytes, map.BookkeepingBytes);
        if (policy != FitPolicy.BestFit)          // which looks at short lists without one
        {
            Assert.NotEqual(0u, map.Find(policy, 64, out _, inSteps: false));
            Assert.True(map.BookkeepingBytes > bytes);
        }
    }

    [Fact]
    public void Best_fit_looks_at_short_lists_without_an_index()
    {
        using SegmentMap<uint> map = Holes(count: 20, size: 64, quantum: 16);
        long bytes = map.BookkeepingBytes;
        Assert.NotEqual(0u, map.Find(FitPolicy.BestFit, 48, out uint start, inSteps: false));
        Assert.Equal((0u, bytes), (start, map.BookkeepingBytes));
        Assert.Equal(0u, map.Find(FitPolicy.BestFit, 80, out start, inSteps: false));
        Assert.Equal((0u, bytes), (start, map.BookkeepingBytes));
    }

    /// <summary>The index by size, which is there for requests with constraints.</summary>
    [Fact]
    public void Best_fit_asks_the_index_that_is_there()
    {
        using SegmentMap<uint> map = Holes(count: 100, size: 64, quantum: 16);
        Assert.True(map.TryCountPieces(64, 16, 1, out int count, out _));
        Assert.Equal(1, count);
        long bytes = map.BookkeepingBytes;
        Assert.NotEqual(0u, map.Find(FitPolicy.BestFit, 48, out uint start, inSteps: false));
        Assert.Equal((0u, bytes), (start, map.BookkeepingBytes));
        Assert.Equal(0u, map.Find(FitPolicy.BestFit, 80, out start, inSteps: false));
        Assert.Equal(0u, start);
    }

    /// <summary>Each step looks at 2,048 tags.</summary>
    [Theory]
    [InlineData(FitPolicy.BestFit)]
    [InlineData(FitPolicy.FirstFit)]
    [InlineData(FitPolicy.LastFit)]
    [InlineData(FitPolicy.NextFit)]
    public void An_index_is_built_in_steps(FitPolicy policy)
    {
        using SegmentMap<uint> map = Holes(count: 2_100, size: 32, quantum: 16);
        var placement = new Placement<uint>(32, new RangeConstraints<uint> { Min = 16 }, 16);
        Assert.Equal(SegmentMap<uint>.Unfinished, map.Find(policy, 32, out uint start, inSteps: true));
        Assert.Equal(0u, start);
        Assert.Equal(SegmentMap<uint>.Unfinished, map.Find(policy, 32, out _, inSteps: true));
        Assert.NotEqual(SegmentMap<uint>.Unfinished, map.Find(policy, 32, out start, inSteps: true));
        Assert.Equal(policy == FitPolicy.LastFit ? 48u * 2_099 : 0, start);
        uint steps = 0;
        while (map.FindConstrained(policy, placement, out start, inSteps: true) == SegmentMap<uint>.Unfinished)
        {
            steps++;
        }

        Assert.Equal(policy == FitPolicy.BestFit ? 2u : 0, steps);             // which has another index then
        Assert.Equal(policy == FitPolicy.LastFit ? 48u * 2_099 : 48, start);
    }

    [Fact]
    public void The_index_that_counts_pieces_is_built_in_steps()
    {
        using SegmentMap<uint> map = Holes(count: 2_100, size: 32, quantum: 16);
        Assert.False(map.TryCountPieces(64, 16, 2, out int count, out _));
        Assert.False(map.TryCountPieces(64, 16, 2, out count, out _));
        Assert.True(map.TryCountPieces(64, 16, 2, out count, out uint spare));
        Assert.Equal((2, 32u), (count, spare));
    }

    [Fact]
    public void Good_fit_takes_from_the_first_list_whose_members_all_fit()
    {
        using SegmentMap<uint> map = new(16);
        uint[] sizes = [320, 16, 32, 48, 640];
        Fill(map, sizes, 16);
        map.Reserve();
        Assert.NotEqual(0u, map.TakeGoodFit(32, out uint start));
        Assert.Equal(320u + 16 + 16 + 16, start);
        map.Reserve();
        Assert.NotEqual(0u, map.TakeGoodFit(32, out start));
        Assert.Equal(320u + 16 + 16 + 16 + 32 + 16, start);
        map.Reserve();
        Assert.Equal(0u, map.TakeGoodFit(656, out start));
        Assert.Equal(0u, start);
    }

    /// <summary>So long are requests of an arena above with a finer quantum.</summary>
    [Fact]
    public void What_is_longer_than_the_last_multiple_of_the_quantum_has_no_place()
    {
        using SegmentMap<byte> map = new(4);
        map.KeepIndexes(FitPolicy.BestFit, []);
        map.ReserveSpan(252);
        _ = map.AddSpan(0, 252, imported: false);
        Assert.Equal(0u, map.Find(FitPolicy.BestFit, 253, out byte start, inSteps: false));
        Assert.Equal(0, start);
        Assert.NotEqual(0u, map.Find(FitPolicy.BestFit, 252, out _, inSteps: false));
    }

    /// <summary>Free segments of this size, a quantum apart.</summary>
    private static SegmentMap<uint> Holes(int count, uint size, uint quantum)
    {
        SegmentMap<uint> map = new(quantum);
        Fill(map, [.. Enumerable.Repeat(size, count)], quantum);
        return map;
    }

    /// <summary>A span with free segments of these sizes, each with a held quantum behind it.</summary>
    private static void Fill(SegmentMap<uint> map, uint[] sizes, uint quantum)
    {
        uint total = (uint)sizes.Sum(size => size + quantum);
        map.ReserveSpan(total);
        _ = map.AddSpan(0, total, imported: false);
        uint start = 0;
        foreach (uint size in sizes)
        {
            start += size;
            map.Reserve();
            map.Enlist(map.Carve(map.FindAt(start, quantum, inSteps: false), start, quantum));
            start += quantum;
        }
    }
}
