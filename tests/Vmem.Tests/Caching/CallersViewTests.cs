using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>The segments as callers see them, beside slabs and magazines.</summary>
public sealed class CallersViewTests
{
    private static Arena<uint> Make() => new("seen", 0, 1_024, 4, new ArenaOptions<uint> { QuantumCacheMax = 32 });

    /// <summary>Two slabs lie side by side. What nobody has of each is one range, and not of both.</summary>
    [Fact]
    public void What_a_slab_keeps_is_one_range_up_to_its_end()
    {
        using Arena<uint> arena = Make();
        Assert.Equal((0u, 32u, 64u), (arena.Allocate(32), arena.Allocate(32), arena.Allocate(32)));
        Assert.Equal(256u, arena.Allocate(20));
        arena.Free(256, 20);
        arena.Free(32, 32);
        Assert.Equal(
            [
                new Segment<uint>(0, 1_024, SegmentKind.Span),
                new Segment<uint>(0, 32, SegmentKind.Allocated),
                new Segment<uint>(32, 32, SegmentKind.Cached),
                new Segment<uint>(64, 32, SegmentKind.Allocated),
                new Segment<uint>(96, 160, SegmentKind.Cached),
                new Segment<uint>(256, 240, SegmentKind.Cached),
                new Segment<uint>(496, 528, SegmentKind.Free),
            ],
            arena.GetSegments());
        arena.Validate();
    }

    [Theory]
    [InlineData(0u, 0u, 32u, SegmentKind.Allocated)]
    [InlineData(31u, 0u, 32u, SegmentKind.Allocated)]
    [InlineData(32u, 32u, 32u, SegmentKind.Cached)]
    [InlineData(95u, 64u, 32u, SegmentKind.Cached)]
    [InlineData(400u, 400u, 36u, SegmentKind.Allocated)]
    [InlineData(445u, 440u, 32u, SegmentKind.Cached)]
    [InlineData(480u, 480u, 32u, SegmentKind.Allocated)]
    [InlineData(512u, 512u, 4u, SegmentKind.Allocated)]
    public void A_value_lies_in_a_range_that_somebody_has_or_a_cache(uint value, uint start, uint size, SegmentKind kind)
    {
        using Arena<uint> arena = Make();
        Assert.Equal((0u, 32u), (arena.Allocate(32), arena.Allocate(32)));
        arena.Free(32, 32);
        Assert.True(arena.TryAllocateAt(400, 36) && arena.TryAllocateAt(440, 32) && arena.TryAllocateAt(480, 32));
        Assert.Equal(512u, arena.Allocate(4));
        arena.Free(440, 32);
        Assert.True(arena.TryGetSegment(value, out Segment<uint> found));
        Assert.Equal(new Segment<uint>(start, size, kind), found);
    }
}
