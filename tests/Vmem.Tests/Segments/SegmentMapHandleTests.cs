using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Which segment a handle or a start and size mean, and which they do not.</summary>
public sealed class SegmentMapHandleTests
{
    [Fact]
    public void Generations_never_repeat_and_other_maps_begin_elsewhere()
    {
        HashSet<ulong> seen = [];
        for (int i = 0; i < 8; i++)
        {
            using SegmentMap<uint> map = Map(100);
            ulong before = 0;
            for (int j = 0; j < 10; j++)
            {
                ulong generation = map.Bind(Take(map, 1));
                Assert.True(j == 0 || generation == before + 1);
                Assert.True(generation > 1);      // 1 is what drains
                Assert.True(seen.Add(generation));
                before = generation;
            }
        }
    }

    [Fact]
    public void A_handle_means_its_segment_and_no_other()
    {
        using SegmentMap<uint> map = Map(100);
        uint tag = Take(map, 10);
        ulong generation = map.Bind(tag);
        Assert.True(map.IsBound(new RangeHandle<uint>(0, 10, tag, generation)));
        Assert.False(map.IsBound(new RangeHandle<uint>(1, 10, tag, generation)));
        Assert.False(map.IsBound(new RangeHandle<uint>(0, 10, tag, generation + 1)));
        Assert.False(map.IsBound(new RangeHandle<uint>(0, 10, 0, generation)));
        Assert.False(map.IsBound(new RangeHandle<uint>(0, 10, map.TagBound, generation)));
        Assert.False(map.IsBound(new RangeHandle<uint>(0, 10, uint.MaxValue, generation)));
        map.Unbind(tag);
        Assert.False(map.IsByHandle(tag));
        Assert.False(map.IsBound(new RangeHandle<uint>(0, 10, tag, generation)));
        map.Rebind(tag, generation);
        Assert.True(map.IsBound(new RangeHandle<uint>(0, 10, tag, generation)));
        map.Unbind(tag);
        _ = map.Free(tag);
        Assert.False(map.IsBound(new RangeHandle<uint>(0, 10, tag, generation)));
    }

    /// <summary>The tags of a span and of free segments are below the bound, too.</summary>
    [Fact]
    public void Only_an_allocated_segment_of_that_start_and_size_is_meant()
    {
        using SegmentMap<uint> map = Map(100);
        uint tag = Take(map, 10);
        Assert.True(map.IsAllocated(tag, 0, 10));
        Assert.False(map.IsAllocated(tag, 0, 9));
        Assert.False(map.IsAllocated(tag, 1, 10));
        Assert.False(map.IsAllocated(0, 0, 10));
        Assert.False(map.IsAllocated(map.TagBound, 0, 10));
        Assert.False(map.IsAllocated(map.FindAt(10, 1, inSteps: false), 10, 90));
        Assert.Equal((1L, 1L), (map.HandleSegments, map.FreeSegments));
        Assert.Equal(4u, map.TagBound);           // the span, the segment, what is free, and none
    }

    [Fact]
    public void What_is_listed_leaves_the_table_by_its_start_and_size()
    {
        using SegmentMap<uint> map = Map(100);
        uint tag = Take(map, 10);
        map.Enlist(tag);
        Assert.Equal(0u, map.Delist(1, 10));
        Assert.Equal(0u, map.Delist(0, 11));
        Assert.Equal(tag, map.FindLive(0));
        map.Link(tag, 7);                         // as a slab has it
        Assert.Equal(0u, map.Delist(0, 10));
        Assert.Equal(7u, map.Unlink(tag));
        Assert.Equal(0u, map.Unlink(tag));
        Assert.Equal(tag, map.Delist(0, 10));
        Assert.Equal(0u, map.FindLive(0));
        Assert.Equal(0u, map.Delist(0, 10));
        map.Chain(tag, 5);
        Assert.Equal(5u, map.ChainedTo(tag));
    }

    [Fact]
    public void Neighbors_are_known_by_the_ring()
    {
        using SegmentMap<uint> map = Map(30);
        (uint first, uint second, uint third) = (Take(map, 10), Take(map, 10), Take(map, 10));
        Assert.Equal((second, third), (map.Following(first), map.Following(second)));
        Assert.False(map.HasFreeNeighbor(first) || map.HasFreeNeighbor(second) || map.HasFreeNeighbor(third));
        _ = map.Free(second);
        Assert.True(map.HasFreeNeighbor(first) && map.HasFreeNeighbor(third));
    }

    /// <summary>What is cut off grows into the free segment behind it; there is no room beyond that.</summary>
    [Fact]
    public void A_segment_grows_as_far_as_what_follows_is_free()
    {
        using SegmentMap<uint> map = Map(40);
        (uint first, uint second) = (Take(map, 10), Take(map, 10));
        foreach (uint tag in (uint[])[first, second, Take(map, 10)])
        {
            map.Enlist(tag);
        }

        Assert.True(map.TryResize(first, 10));
        Assert.False(map.TryResize(first, 11));
        Assert.True(map.TryResize(second, 4));
        Assert.Equal((24u, 16u), (map.InUse, map.TotalSize - map.InUse));
        Assert.False(map.TryResize(second, 11));
        Assert.True(map.TryResize(second, 9));
        Assert.True(map.TryResize(second, 10));
        Assert.Equal((30u, 1L), (map.InUse, map.FreeSegments));
        Assert.True(map.TryResize(first, 1));
        Assert.True(map.TryResize(first, 3));
        map.Validate();
    }

    private static SegmentMap<uint> Map(uint total)
    {
        SegmentMap<uint> map = new(1);
        map.ReserveSpan(total);
        _ = map.AddSpan(0, total, imported: false);
        return map;
    }

    private static uint Take(SegmentMap<uint> map, uint size)
    {
        map.Reserve();
        uint tag = map.TakeGoodFit(size, out _);
        Assert.NotEqual(0u, tag);
        return tag;
    }
}
