using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Best fit with an alignment in a window: the order by size goes on by turns with a look at those that have a place.</summary>
public sealed class BestFitPlacesTests
{
    private const uint Align = 1_024;
    private const uint Size = 100;
    private const uint First = 400 * Align;       // where the window begins

    /// <summary>A thousand smaller ones have no place: those few that have one end it.</summary>
    [Fact]
    public void A_few_places_among_many_that_are_none_are_soon_found()
    {
        Hole[] good = [new(2, 0, 900), new(500, 0, 700), new(600, 0, 700), new(700, 0, 800)];
        Hole[] beyond = [.. Enumerable.Range(0, 20).Select(i => new Hole(1_100 + (uint)i, 0, 650))];
        using SegmentMap<uint> map = Map([.. Outside(), .. Badly(1_000, good), .. good, .. beyond]);
        RangeConstraints<uint> window = new() { Min = First, Max = First + (1_099 * Align), Align = Align };
        Assert.Equal(First + (500 * Align), Find(map, window, out _));
        Assert.Equal(First + (500 * Align), Find(map, window, out long steps));
        Assert.InRange(steps, 1, 300);
        Assert.Equal(First + (600 * Align), Find(map, window with { Min = First + (500 * Align) + 1 }, out _));
        Assert.Equal(First + (2 * Align), Find(map, window with { Max = First + (500 * Align) }, out _));
        Assert.Null(Find(map, window with { Min = First + (2 * Align) + 1, Max = First + (500 * Align) }, out steps));
        Assert.InRange(steps, 1, 300);
    }

    /// <summary>A thousand larger ones have a place: four of them are looked at each time a smaller one has none.</summary>
    [Fact]
    public void Of_many_places_a_few_are_looked_at_in_a_turn()
    {
        Hole[] good = [.. Enumerable.Range(0, 1_000).Select(i => new Hole((uint)i, 0, 900)), new(1_000, 0, 500)];
        Hole[] badly = [.. Enumerable.Range(0, 20).Select(i => new Hole(1_001 + (uint)i, 200, 300 + (uint)i))];
        using SegmentMap<uint> map = Map([.. Outside(), .. good, .. badly]);
        RangeConstraints<uint> window = new() { Min = First, Align = Align };
        Assert.Equal(First + (1_000 * Align), Find(map, window, out _));
        Assert.Equal(First + (1_000 * Align), Find(map, window, out long steps));
        Assert.InRange(steps, 1, 700);
    }

    /// <summary>The range may end with the window, and may begin where it begins.</summary>
    [Fact]
    public void The_last_place_of_a_window_counts()
    {
        Hole[] good = [new(3, 0, 700)];
        using SegmentMap<uint> map = Map([.. Outside(), new(1, 200, 600), new(2, 200, 500), .. good]);
        RangeConstraints<uint> window = new() { Min = First, Max = First + (3 * Align) + Size, Align = Align };
        Assert.Equal(First + (3 * Align), Find(map, window, out _));
        Assert.Null(Find(map, window with { Max = window.Max - 1 }, out _));
        Assert.Equal(First + (3 * Align), Find(map, window with { Min = First + (3 * Align), Max = 0 }, out _));
        Assert.Null(Find(map, window with { Min = First + (3 * Align) + 1, Max = 0 }, out _));
        map.Validate();
    }

    /// <summary>An index by size that knows the alignment is asked if it is there, as long as one without would be.</summary>
    [Theory]
    [InlineData(31, false)]
    [InlineData(32, true)]
    public void Where_the_places_are_known_by_size_the_turns_come_as_late(int outside, bool goesByTurns)
    {
        Hole[] badly = [.. Enumerable.Range(0, 40).Select(i => new Hole(uint.MaxValue - 100 - (uint)i, 200, Size))];
        using SegmentMap<uint> map = Map([.. Outside()[..outside], .. badly, new(1, 0, 700)]);
        Assert.Equal(First - Align, Find(map, new() { Align = Align }, out _));
        long bytes = map.BookkeepingBytes;
        Assert.Equal(First + Align, Find(map, new() { Min = First, Align = Align }, out _));
        Assert.Equal(goesByTurns, map.BookkeepingBytes > bytes);
    }

    /// <summary>A hole: how many alignments it lies behind the window's beginning, and how far behind that; and its size.</summary>
    private readonly record struct Hole(uint At, uint Behind, uint Size);

    /// <summary>40 sizes with a place, all below the window and smaller than what is in it.</summary>
    private static Hole[] Outside() => [.. Enumerable.Range(0, 40).Select(i => new Hole(uint.MaxValue - (uint)i, 0, Size + (uint)i))];

    private static Hole[] Badly(int count, Hole[] good) =>
    [
        .. Enumerable.Range(1, count).Where(at => !Array.Exists(good, hole => hole.At == at))
            .Select(at => new Hole((uint)at, 200, 300 + (uint)(at % 7))),
    ];

    private static uint? Find(SegmentMap<uint> map, RangeConstraints<uint> constraints, out long steps)
    {
        _ = StepCounter.Take();
        uint found = map.FindConstrained(FitPolicy.BestFit, new Placement<uint>(Size, constraints, 1), out uint start);
        steps = StepCounter.Take();
        Assert.True(found != 0 || start == 0);
        Assert.True(found == 0 || map.IsFreeAt(found, start, Size));
        return found != 0 ? start : null;
    }

    private static SegmentMap<uint> Map(Hole[] holes)
    {
        SegmentMap<uint> map = new(1);
        uint total = First + (2_000 * Align);
        map.ReserveSpan(total);
        uint free = map.AddSpan(0, total, imported: false);
        uint end = 0;
        foreach ((uint start, uint size) in holes.Select(Place).Order())
        {
            free = Hold(map, free, end, start);
            end = start + size;
        }

        _ = Hold(map, free, end, total);
        return map;
    }

    private static (uint Start, uint Size) Place(Hole hole) => (unchecked(First + (hole.At * Align) + hole.Behind), hole.Size);

    /// <returns>What is free behind.</returns>
    private static uint Hold(SegmentMap<uint> map, uint free, uint start, uint end)
    {
        map.Reserve();
        uint held = map.Carve(free, start, end - start);
        map.Enlist(held);
        return map.Following(held);
    }
}
