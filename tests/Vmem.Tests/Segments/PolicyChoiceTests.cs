using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Which search answers a request, seen by its answer and by the indexes that it leaves alone.</summary>
public sealed class PolicyChoiceTests
{
    [Fact]
    public void A_request_that_has_no_place_gives_0()
    {
        using SegmentMap<uint> map = Holes();
        Assert.Equal(0u, map.Find(FitPolicy.InstantFit, 50, out uint start, inSteps: false));
        Assert.Equal(0u, start);
    }

    /// <summary>A claim of a place, and a search that finds one in the free lists.</summary>
    [Theory]
    [InlineData(FitPolicy.FirstFit, 20u, 25u, 1u)]
    [InlineData(FitPolicy.InstantFit, 0u, 0u, 4u)]
    public void No_index_is_begun_for_what_is_found_without(FitPolicy policy, uint min, uint max, uint align)
    {
        using SegmentMap<uint> map = Holes();
        long bytes = map.BookkeepingBytes;
        var placement = new Placement<uint>(5, new RangeConstraints<uint> { Min = min, Max = max, Align = align }, 1);
        Assert.NotEqual(0u, map.FindConstrained(policy, placement, out uint start));
        Assert.True(start is 20 or 60);
        Assert.Equal(bytes, map.BookkeepingBytes);
    }

    /// <summary>Of two holes in a window the one that was freed first.</summary>
    [Fact]
    public void Constrained_oldest_fit_goes_by_the_order()
    {
        using SegmentMap<uint> map = new(1);
        map.KeepFreedOrder();
        Fill(map);
        map.ReserveToFree();
        _ = map.Free(map.Delist(60, 5));
        map.ReserveToFree();
        _ = map.Free(map.Delist(20, 5));
        var placement = new Placement<uint>(5, new RangeConstraints<uint> { Min = 10, Max = 90 }, 1);
        Assert.NotEqual(0u, map.FindConstrained(FitPolicy.OldestFit, placement, out uint start));
        Assert.Equal(60u, start);
        Assert.NotEqual(0u, map.FindConstrained(FitPolicy.FirstFit, placement, out start));
        Assert.Equal(20u, start);
    }

    [Fact]
    public void Random_fit_has_no_order()
    {
        using SegmentMap<uint> map = Holes();
        Assert.NotEqual(0u, map.Find(FitPolicy.RandomFit, 5, out _, inSteps: false));
        Assert.False(map.KeepsFreedOrder);
        Assert.NotEqual(0u, map.Find(FitPolicy.OldestFit, 5, out _, inSteps: false));
        Assert.True(map.KeepsFreedOrder);
    }

    /// <summary>Every value of the type is free: its segment has no size.</summary>
    [Theory]
    [InlineData(FitPolicy.FirstFit, 100)]
    [InlineData(FitPolicy.InstantFit, 100)]
    [InlineData(FitPolicy.BestFit, 100)]
    [InlineData(FitPolicy.NextFit, 100)]
    [InlineData(FitPolicy.OldestFit, 100)]
    [InlineData(FitPolicy.LastFit, 190)]
    public void A_constrained_request_is_met_while_all_is_free(FitPolicy policy, int expected)
    {
        using SegmentMap<byte> map = Whole();
        var placement = new Placement<byte>(10, new RangeConstraints<byte> { Min = 100, Max = 200 }, 1);
        Assert.NotEqual(0u, map.FindConstrained(policy, placement, out byte start));
        Assert.Equal(expected, start);
        map.Reserve();
        map.Enlist(map.CarveAll(start, 10));
        map.Validate();
    }

    /// <summary>Four pieces are looked at, all of which are known. What comes behind is not, and waits for its turn.</summary>
    [Theory]
    [InlineData(3, 3)]
    [InlineData(4, 3)]
    [InlineData(5, 4)]
    public void The_oldest_of_all_is_what_nobody_has_freed_if_that_is_near(int pieces, int expected)
    {
        using SegmentMap<byte> map = Whole();
        for (int value = 0; value < pieces; value++)
        {
            Assert.Equal(value, TakeOldest(map, 1));
        }

        for (int value = pieces - 1; value >= 0; value--)
        {
            Free(map, (byte)value, 1);
        }

        Assert.True(map.IsAllFree);
        Assert.Equal(expected, TakeOldest(map, 1));
    }

    /// <summary>Both pieces together are everything, so that nothing unknown is looked for any more.</summary>
    [Fact]
    public void Where_all_is_known_the_oldest_piece_comes_first()
    {
        using SegmentMap<byte> map = Whole();
        Assert.Equal(0, TakeOldest(map, 200));
        Assert.Equal(200, TakeOldest(map, 56));
        Free(map, 200, 56);
        Free(map, 0, 200);
        Assert.Equal(200, TakeOldest(map, 1));
        _ = StepCounter.Take();
        Assert.NotEqual(0u, map.Find(FitPolicy.OldestFit, 1, out byte start, inSteps: false));
        Assert.Equal((201, 3L), (start, StepCounter.Take()));          // of the lists, of the index, and of the segment
    }

    private static byte TakeOldest(SegmentMap<byte> map, byte size)
    {
        map.Reserve();
        uint free = map.Find(FitPolicy.OldestFit, size, out byte start, inSteps: false);
        Assert.NotEqual(0u, free);
        map.Reserve();
        map.Enlist(map.IsAllFree ? map.CarveAll(start, size) : map.Carve(free, start, size));
        return start;
    }

    private static void Free(SegmentMap<byte> map, byte start, byte size)
    {
        map.ReserveToFree();
        uint tag = map.Delist(start, size);
        _ = map.LiveSegments == 1 ? map.FreeAll(tag) : map.Free(tag);
    }

    private static SegmentMap<byte> Whole()
    {
        SegmentMap<byte> map = new(1);
        map.ReserveSpan(255);
        _ = map.AddSpan(0, 128, imported: false);
        map.ReserveSpan(255);
        _ = map.AddSpan(128, 128, imported: false);
        map.JoinNeighbors(128, 128);
        return map;
    }

    /// <summary>[20, 25) and [60, 65) of 100 are free.</summary>
    private static SegmentMap<uint> Holes()
    {
        SegmentMap<uint> map = new(1);
        Fill(map);
        _ = map.Free(map.Delist(20, 5));
        _ = map.Free(map.Delist(60, 5));
        return map;
    }

    private static void Fill(SegmentMap<uint> map)
    {
        map.ReserveSpan(100);
        _ = map.AddSpan(0, 100, imported: false);
        foreach ((uint start, uint end) in ((uint, uint)[])[(0, 20), (20, 25), (25, 60), (60, 65), (65, 100)])
        {
            map.Reserve();
            map.Enlist(map.Carve(map.FindAt(start, end - start, inSteps: false), start, end - start));
        }
    }
}
