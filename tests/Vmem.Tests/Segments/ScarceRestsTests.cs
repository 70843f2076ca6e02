using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>What rests or drains counts as full where it is asked whether space is scarce.</summary>
/// <remarks>
/// Of 64 values ten are neither held nor free. Of the others 14 are freed from the lowest up, none beside another. While more than 59 are
/// full, the one that was freed last is the first; then each goes behind lower ones. So the fourth is the first in the end. If the ten did
/// not count, the last would be.
/// </remarks>
public sealed class ScarceRestsTests : IDisposable
{
    private const uint FourthFreed = 8;

    private readonly SegmentMap<uint> _map = new(1);
    private readonly Dictionary<uint, uint> _tags = [];

    public void Dispose() => _map.Dispose();

    [Fact]
    public void Resting_segments_are_full()
    {
        Add(0, 64);
        Rest(40);
        Check();
    }

    /// <summary>The sums are made anew then.</summary>
    [Fact]
    public void Segments_that_rest_when_a_span_comes_or_goes_are_full()
    {
        Add(30, 34);
        Rest(40);
        Add(100, 10);
        Add(0, 30);
        _ = _map.Free(_tags[100]);
        for (uint start = 101; start < 110; start++)
        {
            _ = _map.Free(_tags[start]);
        }

        _map.RemoveSpan(_map.FindSpan(100, out _, out _));
        Check();
    }

    [Fact]
    public void Segments_that_have_rested_are_not_full_if_they_are_free()
    {
        Add(0, 64);
        Rest(40);
        for (uint start = 40; start < 60; start += 2)
        {
            _map.EndRest(_tags[start]);
            _ = _map.Free(_tags[start]);
        }

        for (uint start = 40; start < 60; start += 2)
        {
            _map.Reserve();
            Assert.NotEqual(0u, _map.TakeGoodFit(1, out _));
        }

        Rest(41);
        Check();
    }

    [Fact]
    public void Draining_segments_are_full()
    {
        Add(0, 54);
        _map.ReserveSpan(10);
        _ = _map.AddSpan(100, 10, imported: false);
        Drain(100, drains: true);
        Check();
    }

    [Fact]
    public void Segments_that_drain_when_a_span_comes_are_full()
    {
        _map.ReserveSpan(10);
        _ = _map.AddSpan(100, 10, imported: false);
        Drain(100, drains: true);
        Add(0, 54);
        Check();
    }

    [Fact]
    public void What_drains_no_more_is_not_full()
    {
        Add(0, 54);
        _map.ReserveSpan(10);
        _ = _map.AddSpan(100, 10, imported: false);
        Drain(100, drains: true);
        Drain(100, drains: false);
        FreeSome();
        _map.Reserve();
        Assert.NotEqual(0u, _map.TakeGoodFit(1, out uint start));
        Assert.Equal(28u, start);
    }

    private void Check()
    {
        FreeSome();
        Assert.Equal(40u, _map.InUse);
        _map.Reserve();
        Assert.NotEqual(0u, _map.TakeGoodFit(1, out uint start));
        Assert.Equal(FourthFreed, start);
    }

    private void FreeSome()
    {
        for (uint start = 2; start <= 28; start += 2)
        {
            _ = _map.Free(_tags[start]);
        }
    }

    private void Rest(uint from)
    {
        for (uint start = from; start < from + 20; start += 2)
        {
            _map.BeginRest(_tags[start]);
        }
    }

    private void Add(uint first, uint size)
    {
        _map.ReserveSpan(size);
        _ = _map.AddSpan(first, size, imported: false);
        for (uint i = 0; i < size; i++)
        {
            _map.Reserve();
            uint tag = _map.TakeGoodFit(1, out uint start);
            Assert.Equal(first + i, start);
            _tags[start] = tag;
        }
    }

    private void Drain(uint start, bool drains)
    {
        _map.ReserveDrain();
        _map.SetDraining(_map.FindSpan(start, out _, out _), drains);
        SegmentMap<uint>.Position position = new() { Start = start, More = true };
        while (!_map.TryTurn(start, ref position, out _, out _))
        {
        }
    }
}
