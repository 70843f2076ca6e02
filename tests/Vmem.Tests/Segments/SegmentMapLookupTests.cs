using Vmem.Checks;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>What is found by a value, in how many steps, and where an enumeration goes on.</summary>
public sealed class SegmentMapLookupTests
{
    /// <summary>Handles are in no table, so the segments before have to be passed: 4,096 at a time.</summary>
    [Fact]
    public void A_look_up_is_made_in_turns()
    {
        using SegmentMap<uint> map = Held(10_000);
        Assert.False(map.TryApproach(9_999));
        Assert.False(map.TryApproach(9_999));
        Assert.True(map.TryApproach(9_999));
        Assert.InRange(Steps(() => Assert.Equal(9_999u, map.GetSegment(map.Locate(9_999)).Start)), 1, 20);
        Assert.True(map.TryApproach(20_000));     // in no span
        Assert.Equal(0u, map.Locate(20_000));
    }

    [Fact]
    public void What_look_ups_leave_behind_is_given_back()
    {
        using SegmentMap<uint> map = Held(100);
        long bytes = map.BookkeepingBytes;
        _ = map.Locate(99);
        Assert.True(map.BookkeepingBytes > bytes);
        map.ForgetLookUps();
        Assert.Equal(bytes, map.BookkeepingBytes);
    }

    /// <summary>A tree of spans, and one of those that drain.</summary>
    [Fact]
    public void Trees_of_spans_go_when_one_is_left()
    {
        using SegmentMap<uint> map = Held(100);
        for (uint start = 200; start < 500; start += 100)
        {
            map.ReserveSpan(10);
            _ = map.AddSpan(start, 10, imported: false);
        }

        Drain(map, 300, drains: true);
        long bytes = map.BookkeepingBytes;
        Drain(map, 200, drains: true);
        long tree = map.BookkeepingBytes - bytes;
        Assert.InRange(tree, 1, 4_096);
        map.ForgetLookUps();
        Assert.Equal(bytes + tree, map.BookkeepingBytes);
        Drain(map, 200, drains: false);
        map.ForgetLookUps();
        Assert.Equal(bytes, map.BookkeepingBytes);
        Drain(map, 300, drains: false);
        map.ForgetLookUps();
        foreach (uint start in (uint[])[200, 300, 400])
        {
            map.ReserveToFree();
            map.RemoveSpan(map.FindSpan(start, out _, out _));
        }

        Assert.Equal(bytes, map.BookkeepingBytes);
        map.ForgetLookUps();
        Assert.Equal(bytes - tree, map.BookkeepingBytes);
        map.Validate();
    }

    /// <summary>It is not far from the free segment before.</summary>
    [Fact]
    public void An_index_by_address_shortens_the_way()
    {
        using SegmentMap<uint> map = Held(2_000);
        Free(map, 1_990);
        Assert.NotEqual(0u, map.Find(FitPolicy.FirstFit, 1, out uint start, inSteps: false));
        Assert.Equal(1_990u, start);
        Assert.InRange(Steps(() => Assert.Equal(1_999u, map.GetSegment(map.Locate(1_999)).Start)), 9, 12);
        Assert.Equal(1_990u, map.GetSegment(map.Locate(1_990)).Start);
    }

    [Fact]
    public void An_enumeration_that_goes_on_looks_nothing_up()
    {
        using SegmentMap<uint> map = Held(1_000);
        var batch = new Segment<uint>[2];
        SegmentMap<uint>.Position position = SegmentMap<uint>.Position.First;
        int count = 0;
        long steps = Steps(() =>
        {
            while (position.More)
            {
                count += map.CopySegments(ref position, batch);
            }
        });
        Assert.Equal((1_001, 0L), (count, steps));
    }

    /// <summary>A batch ends only where there is no room, and never between a span and its first segment.</summary>
    [Theory]
    [InlineData(2, new[] { 2, 2, 2, 2 })]
    [InlineData(3, new[] { 2, 2, 3, 1 })]
    [InlineData(4, new[] { 4, 4 })]
    [InlineData(5, new[] { 4, 4 })]
    [InlineData(6, new[] { 6, 2 })]
    [InlineData(7, new[] { 7, 1 })]
    [InlineData(8, new[] { 8 })]
    [InlineData(9, new[] { 8 })]
    public void A_batch_is_as_full_as_may_be(int length, int[] counts)
    {
        using SegmentMap<uint> map = Held(1);
        map.ReserveSpan(10);
        _ = map.AddSpan(50, 10, imported: false);
        map.ReserveSpan(10);
        _ = map.AddSpan(80, 10, imported: false);
        map.Reserve();
        _ = map.Bind(map.Carve(map.FindAt(82, 1, inSteps: false), 82, 1));
        var batch = new Segment<uint>[length];
        List<(uint, SegmentKind)> found = [];
        SegmentMap<uint>.Position position = SegmentMap<uint>.Position.First;
        foreach (int count in counts)
        {
            Assert.True(position.More);
            Assert.Equal(count, map.CopySegments(ref position, batch));
            found.AddRange(batch.Take(count).Select(segment => (segment.Start, segment.Kind)));
        }

        Assert.False(position.More);
        (uint, SegmentKind)[] expected =
        [
            (0, SegmentKind.Span), (0, SegmentKind.Allocated), (50, SegmentKind.Span), (50, SegmentKind.Free), (80, SegmentKind.Span),
            (80, SegmentKind.Free), (82, SegmentKind.Allocated), (83, SegmentKind.Free),
        ];
        Assert.Equal(expected, found);
    }

    /// <summary>The tag that the enumeration has come to is none any more, or that of another segment.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Where_the_tag_is_gone_the_place_is_found_again_by_address(bool isTaken)
    {
        using SegmentMap<uint> map = Held(10_000);
        SegmentMap<uint>.Position position = At(map, 9_000);
        Free(map, 100);
        Free(map, 101);
        Assert.Equal(0, Steps(() => Assert.True(map.TryApproach(position))));
        Free(map, 8_999);
        Free(map, 9_000);                         // its tag goes, and is the next to be taken
        if (isTaken)
        {
            map.Reserve();
            _ = map.Bind(map.Carve(map.FindAt(101, 1, inSteps: false), 101, 1));
            map.ForgetLookUps();
        }

        Assert.False(map.TryApproach(position));
        Assert.False(map.TryApproach(position));
        Assert.True(map.TryApproach(position));
        var batch = new Segment<uint>[2];
        Assert.Equal(2, map.CopySegments(ref position, batch));
        Assert.Equal(new Segment<uint>(8_999, 2, SegmentKind.Free), batch[0]);
        Assert.Equal(new Segment<uint>(9_001, 1, SegmentKind.Allocated), batch[1]);
    }

    /// <summary>A segment that was freed has its tag still if the one before is held.</summary>
    [Fact]
    public void A_tag_of_a_free_segment_is_as_good()
    {
        using SegmentMap<uint> map = Held(10_000);
        SegmentMap<uint>.Position position = At(map, 9_000);
        Free(map, 9_000);
        Assert.Equal(0, Steps(() => Assert.True(map.TryApproach(position))));
        var batch = new Segment<uint>[2];
        Assert.Equal(0, Steps(() => map.CopySegments(ref position, batch)));
        Assert.Equal(new Segment<uint>(9_000, 1, SegmentKind.Free), batch[0]);
    }

    [Fact]
    public void Without_a_span_there_is_nothing_to_enumerate()
    {
        using SegmentMap<uint> map = new(1);
        SegmentMap<uint>.Position position = SegmentMap<uint>.Position.First;
        Assert.True(map.TryApproach(position));
        Assert.Equal(0, map.CopySegments(ref position, new Segment<uint>[2]));
        Assert.False(position.More);
        Assert.Equal((0u, 0u), (map.Locate(0), map.LargestFree()));
        Assert.False(map.IsBound(default));
        Assert.False(map.IsAllocated(0, 0, 0));
    }

    /// <summary>An enumeration that has copied what lies before.</summary>
    private static SegmentMap<uint>.Position At(SegmentMap<uint> map, int segment)
    {
        SegmentMap<uint>.Position position = SegmentMap<uint>.Position.First;
        var batch = new Segment<uint>[segment + 1];
        Assert.Equal(segment + 1, map.CopySegments(ref position, batch));
        Assert.Equal((uint)segment - 1, batch[segment].Start);
        Assert.True(position.More);
        return position;
    }

    private static void Drain(SegmentMap<uint> map, uint start, bool drains)
    {
        map.ReserveDrain();
        map.SetDraining(map.FindSpan(start, out _, out _), drains);
        SegmentMap<uint>.Position position = new() { Start = start, More = true };
        while (!map.TryTurn(start, ref position, out _, out _))
        {
        }
    }

    private static void Free(SegmentMap<uint> map, uint start)
    {
        uint tag = map.Locate(start);
        map.ForgetLookUps();
        map.ReserveToFree();
        map.Unbind(tag);
        _ = map.Free(tag);
    }

    /// <summary>Segments of one, all held by handles.</summary>
    private static SegmentMap<uint> Held(uint count)
    {
        SegmentMap<uint> map = new(1);
        map.ReserveSpan(count);
        _ = map.AddSpan(0, count, imported: false);
        for (uint start = 0; start < count; start++)
        {
            map.Reserve();
            uint tag = map.TakeGoodFit(1, out uint place);
            Assert.Equal(start, place);
            _ = map.Bind(tag);
        }

        return map;
    }

    private static long Steps(Action action)
    {
        _ = StepCounter.Take();
        action();
        return StepCounter.Take();
    }
}
