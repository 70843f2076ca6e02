using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Who is in the way of a place, and look-ups of places that are far away.</summary>
public sealed class SegmentMapPlacesTests : IDisposable
{
    private const int StepsAtATime = 4_096;

    private readonly SegmentMap<uint> _map = new(1);

    public void Dispose() => _map.Dispose();

    /// <summary>[10, 20) is held, [30, 40) rests, [50, 60) is a slab, and [200, 300) drains.</summary>
    [Theory]
    [InlineData(0u, 9u, false)]
    [InlineData(0u, 10u, true)]
    [InlineData(0u, 400u, true)]
    [InlineData(12u, 13u, true)]
    [InlineData(19u, 35u, true)]
    [InlineData(20u, 29u, false)]
    [InlineData(20u, 35u, false)]
    [InlineData(30u, 39u, false)]
    [InlineData(35u, 55u, false)]
    [InlineData(50u, 59u, false)]
    [InlineData(60u, 99u, false)]
    [InlineData(60u, 400u, false)]                // no further than to the end of the span
    [InlineData(100u, 150u, false)]
    [InlineData(150u, 250u, false)]
    [InlineData(200u, 200u, true)]
    [InlineData(250u, 400u, true)]
    [InlineData(300u, 400u, false)]
    public void Held_is_what_neither_rests_nor_is_a_slab(uint from, uint last, bool isHeld)
    {
        _ = Add(0, 100);
        uint span = Add(200, 100);
        Enlist(10, 10);
        Rest(30, 10);
        _map.SetSlab(Enlist(50, 10), 7);
        _map.ReserveDrain();
        _map.SetDraining(span, drains: true);
        Assert.Equal(isHeld, _map.IsHeld(from, last));
    }

    /// <summary>So many rest, and what follows them is held.</summary>
    [Theory]
    [InlineData(StepsAtATime - 1, true)]
    [InlineData(StepsAtATime, false)]
    [InlineData(StepsAtATime + 10, false)]
    public void What_is_held_too_far_away_is_not_seen(int resting, bool isHeld)
    {
        _ = Add(0, 10_000);
        for (uint value = 0; value < resting; value++)
        {
            Rest(value, 1);
        }

        Enlist((uint)resting, 1);
        Assert.Equal(isHeld, _map.IsHeld(0, 9_999));
        Assert.False(_map.IsHeld(0, (uint)resting - 1));
        Assert.True(_map.IsHeld((uint)resting, (uint)resting));
    }

    /// <summary>Nobody has looked there yet, and there are thousands of segments before it.</summary>
    [Fact]
    public void A_place_far_away_is_found_in_steps()
    {
        _ = Add(0, 20_000);
        for (uint value = 1; value < 12_000; value += 2)
        {
            Rest(value, 1);
        }

        _map.ForgetLookUps();
        Assert.False(_map.IsHeld(11_000, 11_000));
        _map.ForgetLookUps();
        Assert.Equal(SegmentMap<uint>.Unfinished, _map.FindAt(11_000, 1, inSteps: true));
        Assert.Equal(SegmentMap<uint>.Unfinished, _map.FindAt(11_000, 1, inSteps: true));
        uint found = _map.FindAt(11_000, 1, inSteps: true);
        Assert.Equal(new Segment<uint>(11_000, 1, SegmentKind.Free), _map.GetSegment(found));
        _map.ForgetLookUps();
        uint from = 11_000;
        long steps = 100;
        Assert.Equal(SegmentMap<uint>.Unfinished, _map.FindFreePart(ref from, 11_500, ref steps, out _));
        Assert.Equal(11_000u, from);
        steps = long.MaxValue;
        Assert.Equal(found, _map.FindFreePart(ref from, 11_500, ref steps, out uint end));
        Assert.Equal((11_000u, 11_000u), (from, end));
        _map.ForgetLookUps();
        uint home = 0;
        Assert.Null(_map.FindObstacle(11_000, 11_001, ref home, out uint holder, out _));
        Assert.Equal(0u, holder);
        while (_map.FindObstacle(11_000, 11_001, ref home, out holder, out _) is null)
        {
        }

        Assert.Equal(new Segment<uint>(11_001, 1, SegmentKind.Resting), _map.GetSegment(holder));
    }

    /// <summary>Two kinds in one page, which nothing but a fault brings there.</summary>
    [Theory]
    [InlineData(0u, 8u, false)]
    [InlineData(0u, 16u, true)]
    [InlineData(16u, 24u, false)]
    [InlineData(8u, 16u, true)]
    [InlineData(8u, 24u, true)]
    public void Two_kinds_in_a_page_are_found_out(uint first, uint second, bool isRight)
    {
        using SegmentMap<uint> map = new(4, hasNotes: true, kindGranularity: 16);
        map.ReserveSpan(64);
        _ = map.AddSpan(0, 64, imported: false);
        foreach ((uint start, int kind) in ((uint, int)[])[(first, 1), (second, 2)])
        {
            map.Reserve();
            map.ReserveNotes();
            uint tag = map.Carve(map.FindAt(start, 4, inSteps: false), start, 4);
            map.Enlist(tag);
            map.Notes![tag] = new RangeNote(0, kind);
        }

        Exception? fault = Record.Exception(map.Validate);
        Assert.Equal(isRight, fault is null);
    }

    private uint Add(uint start, uint size)
    {
        _map.ReserveSpan(size);
        _ = _map.AddSpan(start, size, imported: false);
        return _map.FindSpan(start, out _, out _);
    }

    private uint Take(uint start, uint size)
    {
        _map.Reserve();
        return _map.Carve(_map.FindAt(start, size, inSteps: false), start, size);
    }

    private uint Enlist(uint start, uint size)
    {
        uint tag = Take(start, size);
        _map.Enlist(tag);
        return tag;
    }

    private void Rest(uint start, uint size) => _map.BeginRest(Take(start, size));
}
