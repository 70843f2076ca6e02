using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The spans of a map, those that drain among them, and what they hold together.</summary>
public sealed class SegmentMapSpansTests
{
    /// <summary>Three spans, of which any may drain.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void A_span_is_found_whether_it_drains_or_not(int draining)
    {
        using SegmentMap<byte> map = new(1);
        (int Start, int Size)[] spans = [(10, 10), (30, 15), (240, 16)];
        foreach ((int start, int size) in spans)
        {
            _ = Add(map, start, size);
        }

        bool Drains(int index) => (draining >> index & 1) != 0;
        for (int index = 0; index < spans.Length; index++)
        {
            if (Drains(index))
            {
                Drain(map, spans[index].Start);
            }
        }

        for (int value = 0; value < 256; value++)
        {
            int holder = Array.FindIndex(spans, span => value >= span.Start && value < span.Start + span.Size);
            uint tag = map.FindSpan((byte)value, out byte start, out byte size);
            Assert.Equal(holder >= 0, tag != 0);
            Assert.True(holder < 0 || (start, size) == spans[holder]);
            Assert.Equal(holder >= 0 && Drains(holder), map.Drains((byte)value));
            int next = Array.FindIndex(spans, span => span.Start >= value);
            tag = map.FindSpanFrom((byte)value, out start, out size);
            Assert.Equal(next >= 0, tag != 0);
            Assert.True(next < 0 || (start, size) == spans[next]);
            for (int length = 1; length <= 256 - value; length += length < 30 ? 1 : 40)
            {
                int last = value + length - 1;
                int touched = Array.FindLastIndex(spans, span => span.Start <= last && span.Start + span.Size > value);
                Assert.Equal(touched >= 0, map.TryFindOverlap((byte)value, (byte)last, out Segment<byte> overlap));
                Assert.Equal(touched < 0 ? default : spans[touched], (overlap.Start, overlap.Size));
                Assert.Equal(touched >= 0 && Drains(touched), overlap.IsDraining);
                Assert.Equal(touched < 0 ? default : SegmentKind.Span, overlap.Kind);
            }
        }

        int[] kept = [.. Enumerable.Range(0, 3).Where(index => !Drains(index))];
        Assert.Equal((3L, 3L - kept.Length), (map.SpanCount, map.DrainingSpans));
        Assert.Equal(kept.Select(index => spans[index].Size).DefaultIfEmpty().Max(), map.LargestSpan);
        Assert.Equal(spans.Where((_, index) => Drains(index)), map.CopyDraining().Select(span => ((int)span.Start, (int)span.Size)));
        Assert.Equal((41, 41 - kept.Sum(index => spans[index].Size)), ((int)map.TotalSize, map.Draining));
        map.Validate();
    }

    /// <summary>Three spans; one is large enough only without an alignment, and the last ends at the top of the type.</summary>
    [Fact]
    public void A_request_has_a_place_in_spans_if_it_had_one_in_an_empty_one()
    {
        using SegmentMap<byte> map = new(4);
        _ = Add(map, 4, 24);
        _ = Add(map, 36, 24);
        _ = Add(map, 228, 28);
        Assert.True(Has(28));
        Assert.False(Has(32));
        Assert.True(Has(16, new() { Align = 16 }));
        Assert.True(Has(20, new() { Align = 8 }));
        Assert.False(Has(20, new() { Align = 16 }));
        Assert.True(Has(24, new() { Align = 8 }));
        Assert.False(Has(24, new() { Align = 8, Max = 250 }));
        Assert.True(Has(24, new() { Min = 36 }));
        Assert.True(Has(24, new() { Min = 8 }));
        Assert.False(Has(24, new() { Min = 8, Max = 56 }));
        Assert.True(Has(24, new() { Min = 8, Max = 60 }));
        Assert.False(Has(24, new() { Min = 236 }));
        Assert.False(Has(28, new() { Max = 228 }));
        Drain(map, 228);
        Assert.False(Has(28));
        Assert.True(Has(24));
        Assert.False(Has(24, new() { Align = 8 }));
        Drain(map, 4);
        Drain(map, 36);
        Assert.False(Has(4));
        using SegmentMap<byte> fine = new(1);
        _ = Add(fine, 10, 5);
        Assert.True(fine.HasPlaceInSpans(new Placement<byte>(1, new RangeConstraints<byte> { Max = 11 }, 1)));
        Assert.False(fine.HasPlaceInSpans(new Placement<byte>(1, new RangeConstraints<byte> { Max = 10 }, 1)));

        bool Has(byte size, RangeConstraints<byte> constraints = default) =>
            map.HasPlaceInSpans(new Placement<byte>(size, constraints, 4));
    }

    [Fact]
    public void Imports_are_counted_apart()
    {
        using SegmentMap<byte> map = new(1);
        _ = Add(map, 0, 10);
        uint free = Add(map, 20, 30, imported: true);
        Assert.Equal((40, 30), (map.TotalSize, map.Imported));
        Assert.True(map.IsWholeImport(free, out uint import));
        Assert.True(map.IsImported(import) && map.IsWhollyFree(import));
        Assert.Equal(new Segment<byte>(20, 30, SegmentKind.Free), map.GetSegment(free));
        uint own = map.FindSpan(0, out _, out _);
        Assert.False(map.IsImported(own));
        Assert.False(map.IsWholeImport(map.Locate(0), out _));
        map.Reserve();
        uint tag = map.Carve(free, 25, 5);
        Assert.False(map.IsWhollyFree(import));
        Assert.False(map.IsWholeImport(map.Locate(20), out _));
        Assert.False(map.IsWholeImport(map.Locate(49), out _));
        map.ReserveToFree();
        Assert.True(map.IsWholeImport(map.Free(tag), out uint again));
        Assert.Equal(import, again);
        map.RemoveSpan(import);
        Assert.Equal((10, 0, 1L), ((int)map.TotalSize, map.Imported, map.SpanCount));
        map.RemoveSpan(own);
        Assert.Equal((0, 0, 0L), ((int)map.TotalSize, map.Imported, map.SpanCount));
        map.Validate();
    }

    [Fact]
    public void A_drained_import_goes_with_its_size()
    {
        using SegmentMap<byte> map = new(1);
        _ = Add(map, 0, 10);
        _ = Add(map, 20, 30, imported: true);
        Drain(map, 20);
        map.RemoveDrained(map.FindSpan(20, out _, out _));
        Assert.Equal((10, 0, 1L, 0L), ((int)map.TotalSize, map.Imported, map.SpanCount, map.DrainingSpans));
        Assert.Equal((0, 0L), (map.Draining, map.DrainingSegments));
        map.Validate();
    }

    [Fact]
    public void The_order_of_what_was_freed_has_every_span_that_comes_and_none_that_went()
    {
        using SegmentMap<byte> map = new(1);
        map.KeepFreedOrder();
        _ = Add(map, 0, 10);
        _ = Add(map, 20, 30);
        Assert.Equal(new[] { (0, 10), (20, 30) }, Order(map));
        map.ReserveToFree();
        map.RemoveSpan(map.FindSpan(0, out _, out _));
        Assert.Equal(new[] { (20, 30) }, Order(map));
        Drain(map, 20);
        Assert.Empty(Order(map));
    }

    private static (int Start, int Size)[] Order(SegmentMap<byte> map) =>
        [.. map.CopyFreedOrder().Select(piece => ((int)piece.Start, (int)piece.Size))];

    private static uint Add(SegmentMap<byte> map, int start, int size, bool imported = false)
    {
        map.ReserveSpan((byte)size);
        return map.AddSpan((byte)start, (byte)size, imported);
    }

    private static void Drain(SegmentMap<byte> map, int start)
    {
        map.ReserveDrain();
        map.SetDraining(map.FindSpan((byte)start, out _, out _), drains: true);
        SegmentMap<byte>.Position position = new() { Start = (byte)start, More = true };
        while (!map.TryTurn((byte)start, ref position, out _, out _))
        {
        }
    }
}
