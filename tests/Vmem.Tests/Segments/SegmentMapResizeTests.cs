using Vmem.Checks;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Segments that grow and shrink, and what is told of it.</summary>
public sealed class SegmentMapResizeTests
{
    [Fact]
    public void The_order_of_what_was_freed_follows_a_segment_that_changes_its_size()
    {
        using SegmentMap<uint> map = new(1);
        map.KeepFreedOrder();
        map.ReserveSpan(100);
        _ = map.AddSpan(0, 100, imported: false);
        uint tag = Carve(map, 0, 10);
        Assert.Equal(new[] { (10, 90) }, Order(map));
        Resize(map, tag, 4, [(10, 90), (4, 6)]);
        Resize(map, tag, 7, [(10, 90), (7, 3)]);
        Resize(map, tag, 20, [(20, 80)]);
        uint next = Carve(map, 20, 30);
        Resize(map, tag, 15, [(50, 50), (15, 5)]);            // what is behind is held
        Resize(map, next, 29, [(50, 50), (15, 5), (49, 1)]);
        Resize(map, tag, 20, [(50, 50), (49, 1)]);
        Resize(map, next, 80, []);
        Assert.Equal((100u, 0L), (map.InUse, map.FreeSegments));
    }

    [Fact]
    public void Every_index_follows_a_segment_that_changes_its_size()
    {
        using SegmentMap<uint> map = new(1);
        map.KeepIndexes(FitPolicy.RandomFit, [8, 64]);
        map.ReserveSpan(100);
        _ = map.AddSpan(0, 100, imported: false);
        (uint tag, uint next) = (Carve(map, 0, 20), Carve(map, 20, 10));
        (uint Tag, uint Size)[] changes = [(tag, 15), (next, 5), (tag, 16), (tag, 20), (next, 40), (next, 80), (tag, 1), (next, 79)];
        foreach ((uint changed, uint size) in changes)
        {
            Resize(map, changed, size);
            foreach (FitPolicy policy in (FitPolicy[])[FitPolicy.FirstFit, FitPolicy.LastFit, FitPolicy.BestFit])
            {
                uint free = map.Find(policy, 1, out uint start, inSteps: false);
                Assert.True(free == 0 ? map.FreeSegments == 0 : map.IsFreeAt(free, start, 1));
            }
        }
    }

    /// <summary>No tag is left: two allocations in the midst of free space took the last ones.</summary>
    [Fact]
    public void Without_memory_nothing_is_cut_off()
    {
        using SegmentMap<uint> map = new(1);
        map.ReserveSpan(100);
        _ = map.AddSpan(0, 100, imported: false);
        (uint tag, uint behind) = (Carve(map, 40, 10), Carve(map, 50, 10));
        _ = Carve(map, 70, 5);
        Assert.False(map.HasReserve);
        using (GrowthFault.Inject(static () => true))
        {
            Assert.False(map.TryResize(tag, 5));
            Assert.False(map.TryCut(tag, 5, out uint none));
            Assert.Equal((0u, 25u, 3L), (none, map.InUse, map.LiveSegments));
            Assert.Equal(new Segment<uint>(40, 10, SegmentKind.Allocated), map.GetSegment(tag));
            Assert.True(map.TryResize(behind, 4));            // what is cut off comes to what is free behind
            Assert.True(map.TryResize(behind, 10));
            map.Validate();
        }

        Assert.True(map.TryCut(tag, 6, out uint tail));
        _ = map.Bind(tail);
        Assert.Equal((25u, 4L), (map.InUse, map.LiveSegments));
        Assert.Equal(new Segment<uint>(46, 4, SegmentKind.Allocated), map.GetSegment(tail));
        Assert.Equal(new Segment<uint>(40, 6, SegmentKind.Allocated), map.GetSegment(tag));
        Assert.True(map.TryResize(tag, 5));
        Assert.Equal((24u, 4L), (map.InUse, map.LiveSegments));
        Assert.Equal(new Segment<uint>(45, 1, SegmentKind.Free), map.GetSegment(map.Locate(45)));
        map.Validate();
    }

    private static void Resize(SegmentMap<uint> map, uint tag, uint size, (int Start, int Size)[]? order = null)
    {
        map.ReserveToFree();
        Assert.True(map.TryResize(tag, size));
        Assert.Equal(size, map.GetSegment(tag).Size);
        map.Validate();
        Assert.True(order is null || order.SequenceEqual(Order(map)), string.Join(' ', Order(map)));
    }

    private static (int Start, int Size)[] Order(SegmentMap<uint> map) =>
        [.. map.CopyFreedOrder().Select(piece => ((int)piece.Start, (int)piece.Size))];

    private static uint Carve(SegmentMap<uint> map, uint start, uint size)
    {
        map.Reserve();
        uint tag = map.Carve(map.FindAt(start, size, inSteps: false), start, size);
        _ = map.Bind(tag);
        return tag;
    }
}
