using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>How many segments are looked at before others get their turn, or before somebody else is asked.</summary>
public sealed class WalksInTurnsTests
{
    private const uint Align = 128;

    /// <summary>Sixteen members of the free lists. Those at the wrong place were freed last, and come first.</summary>
    [Theory]
    [InlineData(0u, true)]
    [InlineData(15u, true)]
    [InlineData(16u, false)]
    public void An_aligned_place_is_looked_for_in_so_many(uint badly, bool isFound)
    {
        using SegmentMap<uint> map = Holes(badly, goodSize: 64, badSize: 64, out uint good);
        Assert.Equal(isFound, map.FindAligned(64, Align, out uint start) != 0);
        Assert.Equal(isFound ? good : 0, start);
        Assert.Equal(0u, map.FindAligned(65, Align, out start));
        Assert.Equal(0u, start);
    }

    /// <summary>They are counted over all lists.</summary>
    [Theory]
    [InlineData(15u, true)]
    [InlineData(16u, false)]
    public void Lists_of_longer_ones_are_looked_at_too(uint badly, bool isFound)
    {
        using SegmentMap<uint> map = Holes(badly, goodSize: 70, badSize: 64, out uint good);
        Assert.Equal(isFound, map.FindAligned(64, Align, out uint start) != 0);
        Assert.Equal(isFound ? good : 0, start);
    }

    /// <summary>The place lies behind the beginning, and must end with the segment at the latest.</summary>
    [Theory]
    [InlineData(159u, false)]
    [InlineData(160u, true)]
    [InlineData(300u, true)]
    public void A_place_lies_in_its_segment(uint size, bool isFound)
    {
        using SegmentMap<uint> map = new(1);
        map.ReserveSpan(size);
        uint free = map.AddSpan(32, size, imported: false);
        Assert.Equal(isFound ? free : 0, map.FindAligned(64, Align, out uint start));
        Assert.Equal(isFound ? Align : 0, start);
    }

    [Fact]
    public void A_window_is_looked_through_in_turns()
    {
        using SegmentMap<uint> map = Alternating(100);
        foreach (uint start in (uint[])[1, 3, 5, 7, 9, 11, 13, 15, 17, 19])
        {
            Take(map, start);
        }

        uint from = 0;
        long steps = 10;
        Assert.Equal(SegmentMap<uint>.Unfinished, map.FindFreePart(ref from, 99, ref steps, out _));
        Assert.Equal((10u, -1L), (from, steps));
        steps = 11;
        Assert.NotEqual(SegmentMap<uint>.Unfinished, map.FindFreePart(ref from, 99, ref steps, out uint end));
        Assert.Equal((21u, 21u, 0L), (from, end, steps));
        from = 0;
        steps = 100;
        Assert.Equal(0u, map.FindFreePart(ref from, 20, ref steps, out end));
        Assert.Equal(20u, end);
    }

    /// <summary>512 at a time, of which every second is free.</summary>
    [Fact]
    public void A_span_drains_in_turns()
    {
        using SegmentMap<uint> map = Alternating(1_100);
        map.ReserveDrain();
        uint span = map.FindSpan(0, out _, out _);
        map.SetDraining(span, drains: true);
        SegmentMap<uint>.Position position = new() { More = true };
        foreach ((uint at, long draining) in ((uint, long)[])[(512, 256), (1_024, 512), (1_100, 550)])
        {
            Assert.Equal(at == 1_100, map.TryTurn(0, ref position, out uint slab, out uint turned));
            Assert.Equal((at, draining, 0u), (position.Start, map.DrainingSegments, slab));
            Assert.Equal(new Segment<uint>(at - 1, 1, SegmentKind.Draining), map.GetSegment(turned));
            map.Validate();
        }

        Assert.True(map.TryTurn(0, ref position, out _, out uint none));
        Assert.Equal(0u, none);
        Assert.Equal(0u, map.GetSegment(map.FirstHeld(span)).Start);
        Assert.True(map.TryTurn(5_000, ref position, out _, out none));
        Assert.Equal(0u, none);
    }

    [Fact]
    public void A_slab_stops_the_turn()
    {
        using SegmentMap<uint> map = Alternating(20);
        uint slab = Take(map, 9);
        map.Unbind(slab);
        map.Enlist(slab);
        map.SetSlab(slab, 5);
        Assert.Equal((5u, 0u), (map.SlabOf(slab), map.SlabOf(map.Locate(11))));
        map.ReserveDrain();
        map.SetDraining(map.FindSpan(0, out _, out _), drains: true);
        SegmentMap<uint>.Position position = new() { More = true };
        Assert.False(map.TryTurn(0, ref position, out uint stopped, out _));
        Assert.Equal((5u, 9u, 4L), (stopped, position.Start, map.DrainingSegments));
        map.SetSlab(slab, 0);
        Assert.True(map.TryTurn(0, ref position, out stopped, out _));
        Assert.Equal((0u, 9L), (stopped, map.DrainingSegments));
        map.Validate();
    }

    /// <summary>Those that were held go one after the other.</summary>
    [Fact]
    public void A_span_has_drained_when_one_segment_is_left()
    {
        using SegmentMap<uint> map = Alternating(20);
        map.ReserveDrain();
        uint span = map.FindSpan(0, out _, out _);
        map.SetDraining(span, drains: true);
        SegmentMap<uint>.Position position = new() { More = true };
        Assert.True(map.TryTurn(0, ref position, out _, out _));
        for (uint start = 18; ; start -= 2)
        {
            uint first = map.FirstHeld(span);
            Assert.Equal(0u, map.GetSegment(first).Start);
            uint tag = map.Locate(start);
            map.Unbind(tag);
            uint drained = map.Withdraw(tag);
            map.Validate();
            Assert.Equal(start == 0, map.IsDrained(drained, out uint its));
            if (start == 0)
            {
                Assert.Equal((span, 0u), (its, map.FirstHeld(span)));
                Assert.Equal(new Segment<uint>(0, 20, SegmentKind.Draining), map.GetSegment(drained));
                break;
            }

            Assert.Equal(new Segment<uint>(start - 1, 21 - start, SegmentKind.Draining), map.GetSegment(drained));
        }

        Assert.Equal((0u, 20u, 1L, 0L), (map.InUse, map.Draining, map.DrainingSegments, map.LiveSegments));
    }

    [Fact]
    public void What_rests_is_found_by_its_tag_or_else_by_its_start()
    {
        using SegmentMap<uint> map = Alternating(10_000);
        uint tag = map.Locate(9_998);
        map.ForgetLookUps();
        map.Unbind(tag);
        map.BeginRest(tag);
        Assert.Equal((1u, 1L, 4_999L), (map.Resting, map.RestingSegments, map.LiveSegments));
        Assert.Equal((4_999u, 5_000u), (map.InUse, map.FreeSize));
        uint found = 0;
        Assert.Equal(0, Steps(() => Assert.True(map.TryFindResting(9_998, tag, out found))));
        Assert.Equal(tag, found);
        Assert.False(map.TryFindResting(9_998, map.TagBound, out _));
        Assert.False(map.TryFindResting(9_998, map.Locate(0), out _));
        Assert.True(map.TryFindResting(9_998, 0, out found));
        Assert.Equal(tag, found);
        map.EndRest(tag);
        Assert.Equal((0u, 0L, 5_000L, 5_000u), (map.Resting, map.RestingSegments, map.LiveSegments, map.InUse));
    }

    /// <summary>Segments of one: the even ones are held, by handles.</summary>
    private static SegmentMap<uint> Alternating(uint count)
    {
        SegmentMap<uint> map = new(1);
        map.ReserveSpan(count);
        _ = map.AddSpan(0, count, imported: false);
        for (uint start = 0; start < count; start += 2)
        {
            _ = Take(map, start);
        }

        return map;
    }

    private static uint Take(SegmentMap<uint> map, uint start, uint size = 1)
    {
        map.Reserve();
        uint tag = map.Carve(map.FindAt(start, size, inSteps: false), start, size);
        _ = map.Bind(tag);
        return tag;
    }

    /// <summary>A hole at a multiple of the alignment, and others 32 behind one, which are freed after it.</summary>
    private static SegmentMap<uint> Holes(uint badly, uint goodSize, uint badSize, out uint good)
    {
        SegmentMap<uint> map = new(1);
        uint total = (badly + 2) * Align;
        good = (badly + 1) * Align;
        map.ReserveSpan(total);
        _ = map.AddSpan(0, total, imported: false);
        List<(uint Start, uint Size)> holes = [(good, goodSize)];
        for (uint i = 0; i < badly; i++)
        {
            holes.Add(((i * Align) + 32, badSize));
        }

        List<uint> tags = [];
        foreach ((uint start, uint size) in holes)
        {
            tags.Add(Take(map, start, size));
        }

        uint end = 0;
        foreach ((uint start, uint size) in holes.Order())
        {
            Hold(map, end, start);
            end = start + size;
        }

        Hold(map, end, total);
        foreach (uint tag in tags)
        {
            map.Unbind(tag);
            _ = map.Free(tag);
        }

        return map;
    }

    private static void Hold(SegmentMap<uint> map, uint start, uint end)
    {
        if (end > start)
        {
            _ = Take(map, start, end - start);
        }
    }

    private static long Steps(Action action)
    {
        _ = StepCounter.Take();
        action();
        return StepCounter.Take();
    }
}
