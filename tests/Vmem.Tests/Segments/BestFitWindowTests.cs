using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>How long best fit in a window goes by size alone, and what it finds where it goes by turns.</summary>
public sealed class BestFitWindowTests
{
    private const uint Size = 100;

    /// <summary>So many sizes that there is no patience left, if they lie outside.</summary>
    private static uint[] Small => [.. Enumerable.Range(0, 40).Select(i => Size + (uint)i)];

    /// <summary>256 looks, of which a size that lies outside the window takes eight.</summary>
    [Theory]
    [InlineData(31, false)]
    [InlineData(32, true)]
    public void Thirty_one_sizes_below_the_window_are_passed_by_size(int sizes, bool goesByTurns)
    {
        using SegmentMap<uint> map = Holes([.. Enumerable.Range(0, sizes).Select(i => Size + (uint)i), 500, 600], out uint[] starts);
        Check(map, new() { Min = starts[^2] }, starts[^2], goesByTurns);
    }

    [Theory]
    [InlineData(31, false)]
    [InlineData(32, true)]
    public void Thirty_one_sizes_above_the_window_are_passed_by_size(int sizes, bool goesByTurns)
    {
        using SegmentMap<uint> map = Holes([600, 500, .. Enumerable.Range(0, sizes).Select(i => Size + (uint)i)], out uint[] starts);
        Check(map, new() { Max = starts[1] + 500 }, starts[1], goesByTurns);
    }

    /// <summary>What has no place in the window takes one.</summary>
    [Theory]
    [InlineData(255, false)]
    [InlineData(256, true)]
    public void Badly_placed_ones_of_the_window_are_passed_one_by_one(int badly, bool goesByTurns)
    {
        using SegmentMap<uint> map = Straddling(badly, out uint good);
        Check(map, new() { Min = 1, Align = 128 }, good, goesByTurns);
    }

    /// <summary>Those of one size that lie outside are passed together.</summary>
    [Fact]
    public void However_many_of_a_size_lie_outside_it_is_one()
    {
        using SegmentMap<uint> map = Holes([.. Enumerable.Repeat(Size, 200), 500, .. Enumerable.Repeat(Size, 200)], out uint[] starts);
        Check(map, new() { Min = starts[200], Max = starts[200] + 400 }, starts[200], goesByTurns: false);
        Check(map, new() { Min = starts[200] }, starts[201], goesByTurns: false);
        Check(map, new() { Min = starts[200], Max = starts[200] + 99 }, null, goesByTurns: false);
    }

    [Fact]
    public void Without_a_place_after_few_sizes_nothing_goes_by_turns()
    {
        using SegmentMap<uint> map = Holes([100, 101, 102, 500], out uint[] starts);
        Check(map, new() { Min = starts[^1] + 401 }, null, goesByTurns: false);
    }

    /// <summary>The turns begin where the order by size was left, and leave out the shorter ones of the window.</summary>
    [Fact]
    public void Shorter_ones_of_the_window_are_not_looked_at()
    {
        using SegmentMap<uint> map = Holes([.. Small, .. Enumerable.Repeat(7u, 1_500), 500], out uint[] starts);
        RangeConstraints<uint> window = new() { Min = starts[40] };
        Assert.Equal(starts[^1], Find(map, window));
        _ = StepCounter.Take();
        Assert.Equal(starts[^1], Find(map, window));
        Assert.InRange(StepCounter.Take(), 1, 400);
    }

    /// <summary>Smaller ones on both sides, so that the order by size leads past all of them. The order by address does not.</summary>
    [Fact]
    public void Larger_ones_of_the_window_are_found_by_address()
    {
        uint[] below = [.. Enumerable.Range(0, 8_000).Select(i => 1_000 + (2 * (uint)i))];
        uint[] above = [.. Enumerable.Range(0, 8_000).Select(i => 1_001 + (2 * (uint)i))];
        uint[] inside = [.. Enumerable.Range(0, 100).Select(i => 30_000 - (uint)i)];
        using SegmentMap<uint> map = Holes([.. below, .. inside, .. above], out uint[] starts);
        RangeConstraints<uint> window = new() { Min = starts[8_000], Max = starts[8_100] };
        Assert.Equal(starts[8_099], Find(map, window));
        _ = StepCounter.Take();
        Assert.Equal(starts[8_099], Find(map, window));
        Assert.InRange(StepCounter.Take(), 1, 400);
    }

    /// <summary>A segment that ends in the window just where the range would has a place; one that ends before has none.</summary>
    [Theory]
    [InlineData(40)]
    [InlineData(3)]
    public void A_segment_around_the_beginning_of_the_window_counts(int sizes)
    {
        uint[] small = [.. Enumerable.Range(0, sizes).Select(i => Size + (uint)i)];
        using SegmentMap<uint> map = Holes([.. small, 300, 400], out uint[] starts);
        Assert.Equal(starts[^2] + 200, Find(map, new() { Min = starts[^2] + 200 }));
        Assert.Equal(starts[^1], Find(map, new() { Min = starts[^2] + 201 }));
        Assert.Equal(starts[^1] + 300, Find(map, new() { Min = starts[^1] + 300 }));
        Assert.Null(Find(map, new() { Min = starts[^1] + 301 }));
        Assert.Equal(starts[^2], Find(map, new() { Min = starts[^2] - 1, Max = starts[^2] + 100 }));
        Assert.Null(Find(map, new() { Min = starts[^2] - 1, Max = starts[^2] + 99 }));
        map.Validate();
    }

    /// <summary>By turns: the smallest, and of equal ones the lowest, whichever search comes to it first.</summary>
    [Theory]
    [InlineData(1u)]
    [InlineData(4u)]
    public void Of_equal_ones_the_lowest_is_taken(uint align)
    {
        using SegmentMap<uint> map = Holes([.. Small, 700, 600, 400, 500, 400, 400], out uint[] starts);
        RangeConstraints<uint> window = new() { Min = starts[40], Align = align };
        uint Aligned(uint start) => (start + align - 1) / align * align;
        Assert.Equal(Aligned(starts[42]), Find(map, window));
        Assert.Equal(Aligned(starts[43]), Find(map, window with { Max = starts[43] + 500, Min = starts[43] }));
        Assert.Equal(Aligned(starts[44]), Find(map, window with { Min = starts[43] }));
        Assert.Equal(Aligned(starts[45]), Find(map, window with { Min = starts[45] }));
        Assert.Equal(Aligned(starts[41]), Find(map, window with { Max = starts[42] }));
        Assert.Null(Find(map, window with { Min = starts[45] + 301 }));
    }

    /// <summary>One that begins before the window is as good as one of its size in it, and lower.</summary>
    [Fact]
    public void Of_one_before_and_one_in_the_window_the_smaller_is_taken()
    {
        using SegmentMap<uint> map = Holes([.. Small, 400, 400, 399, 400], out uint[] starts);
        Assert.Equal(starts[40] + 10, Find(map, new() { Min = starts[40] + 10, Max = starts[42] }));
        Assert.Equal(starts[42], Find(map, new() { Min = starts[40] + 10 }));
        Assert.Equal(starts[42] + 10, Find(map, new() { Min = starts[42] + 10 }));
        Assert.Equal(starts[43] + 10, Find(map, new() { Min = starts[43] + 10 }));
    }

    /// <summary>Each index is built in steps, and asked when it is complete.</summary>
    [Theory]
    [InlineData(1u)]
    [InlineData(64u)]
    public void What_goes_by_turns_is_prepared_in_steps(uint align)
    {
        uint[] sizes = [.. Enumerable.Range(0, 2_500).Select(i => Size + (uint)i)];
        using SegmentMap<uint> map = Holes([.. sizes, 9_000], out uint[] starts);
        RangeConstraints<uint> window = new() { Min = starts[^1], Align = align };
        var placement = new Placement<uint>(Size, window, 1);
        Assert.Equal(SegmentMap<uint>.Unfinished, map.FindConstrained(FitPolicy.BestFit, placement, out uint start, inSteps: true));
        Assert.Equal(0u, start);
        int steps = 1;
        uint found;
        while ((found = map.FindConstrained(FitPolicy.BestFit, placement, out start, inSteps: true)) == SegmentMap<uint>.Unfinished)
        {
            Assert.Equal(0u, start);
            steps++;
        }

        Assert.NotEqual(0u, found);
        Assert.Equal((starts[^1] + align - 1) / align * align, start);
        Assert.Equal(align == 1 ? 6 : 8, steps);                // two before each is complete, and that by size is built twice
        Assert.NotEqual(SegmentMap<uint>.Unfinished, map.FindConstrained(FitPolicy.BestFit, placement, out _, inSteps: true));
        map.Validate();
    }

    /// <summary>In a window that is shorter than the range there is no place, and no index is begun to look for one.</summary>
    [Fact]
    public void A_window_that_is_too_short_is_seen_at_once()
    {
        using SegmentMap<uint> map = Holes([500, .. Small, 600], out uint[] starts);
        Check(map, new() { Max = 50 }, null, goesByTurns: false);
        Check(map, new() { Min = starts[^1], Max = starts[^1] + 99 }, null, goesByTurns: false);
        Check(map, new() { Max = 101 }, 0, goesByTurns: true);
    }

    /// <summary>The one place of a window is looked up, but not where its neighbours matter.</summary>
    [Fact]
    public void For_a_kind_one_place_is_a_window_too()
    {
        using SegmentMap<uint> map = Holes([500, .. Small], out _);
        uint found = map.FindConstrained(FitPolicy.BestFit, new Placement<uint>(Size, new() { Max = Size }, 1, kind: 1), out uint start);
        Assert.NotEqual(0u, found);
        Assert.Equal(0u, start);
    }

    private static uint? Find(SegmentMap<uint> map, RangeConstraints<uint> constraints)
    {
        uint found = map.FindConstrained(FitPolicy.BestFit, new Placement<uint>(Size, constraints, 1), out uint start);
        Assert.True(found == 0 || map.IsFreeAt(found, start, Size));
        return found != 0 ? start : null;
    }

    private static void Check(SegmentMap<uint> map, RangeConstraints<uint> constraints, uint? expected, bool goesByTurns)
    {
        Assert.True(map.TryCountPieces(Size, Size, 1, out _, out _));         // the index by size, from which it takes the lowest
        long bytes = map.BookkeepingBytes;
        Assert.Equal(expected, Find(map, constraints));
        Assert.Equal(goesByTurns, map.BookkeepingBytes > bytes);
    }

    /// <summary>Holes of the request's size, each 32 behind a multiple of 128, and one at a multiple, behind all.</summary>
    private static SegmentMap<uint> Straddling(int badly, out uint good)
    {
        SegmentMap<uint> map = new(1);
        uint total = ((uint)badly + 3) * 256;
        map.ReserveSpan(total);
        uint free = map.AddSpan(0, total, imported: false);
        good = ((uint)badly + 1) * 256;
        uint end = 0;
        foreach (uint start in (uint[])[.. Enumerable.Range(0, badly).Select(i => 32 + ((uint)i * 256)), good])
        {
            free = Hold(map, free, end, start - end);
            end = start + Size;
        }

        _ = Hold(map, free, end, total - end);
        return map;
    }

    /// <summary>Free segments of these sizes, each with one held value behind it.</summary>
    private static SegmentMap<uint> Holes(uint[] sizes, out uint[] starts)
    {
        SegmentMap<uint> map = new(1, hasNotes: true, kindGranularity: 64);
        uint total = (uint)sizes.Sum(static size => size + 1L);
        map.ReserveSpan(total);
        uint free = map.AddSpan(0, total, imported: false);
        starts = new uint[sizes.Length];
        uint start = 0;
        for (int i = 0; i < sizes.Length; i++)
        {
            starts[i] = start;
            start += sizes[i] + 1;
            free = Hold(map, free, start - 1, 1);
        }

        return map;
    }

    /// <returns>What is free behind.</returns>
    private static uint Hold(SegmentMap<uint> map, uint free, uint start, uint size)
    {
        map.Reserve();
        map.ReserveNotes();
        uint held = map.Carve(free, start, size);
        map.Enlist(held);
        return map.Following(held);
    }
}
