using Vmem.Caching;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Slabs alone: which ranges they give, and what becomes of them.</summary>
public sealed class RangeSlabsTests : IDisposable
{
    private readonly SegmentMap<uint> _map = new(1);
    private readonly RangeSlabs<uint> _slabs;

    public RangeSlabsTests()
    {
        _map.ReserveSpan(1 << 16);
        _ = _map.AddSpan(0, 1 << 16, imported: false);
        _slabs = new RangeSlabs<uint>(_map, 1, classes: 8);
    }

    public void Dispose()
    {
        _slabs.Dispose();
        _map.Dispose();
    }

    private uint Add(RangeSlabs<uint> slabs, uint start, int sizeClass)
    {
        _map.Reserve();
        uint length = slabs.LengthOf(sizeClass);
        uint tag = _map.Carve(_map.FindAt(start, length, inSteps: false), start, length);
        _map.Enlist(tag);
        slabs.Reserve();
        slabs.Add(tag, start, sizeClass);
        uint slab = slabs.Find(start);
        Assert.NotEqual(0u, slab);
        return slab;
    }

    private uint Take(int sizeClass)
    {
        Assert.True(_slabs.TryTake(sizeClass, out uint start));
        return start;
    }

    private void Put(uint start)
    {
        Assert.False(_slabs.Put(_slabs.Find(start), start));
        _slabs.Validate();
    }

    private void PutLast(uint start)
    {
        uint slab = _slabs.Find(start);
        Assert.True(_slabs.Put(slab, start));
        _slabs.Validate();
        Free(_slabs.Remove(slab));
        _slabs.Validate();
    }

    private void Free(uint tag)
    {
        _map.ReserveToFree();
        Segment<uint> segment = _map.GetSegment(tag);
        Assert.Equal(tag, _map.Delist(segment.Start, segment.Size));
        _ = _map.Free(tag);
    }

    [Theory]
    [InlineData(1, 64)]
    [InlineData(20, 64)]
    [InlineData(21, 64)]
    [InlineData(22, 128)]
    [InlineData(42, 128)]
    [InlineData(43, 256)]
    [InlineData(64, 256)]
    public void A_slab_is_more_than_three_of_the_largest(int classes, int units) =>
        Assert.Equal(units, RangeSlabs<uint>.SlabUnits(classes));

    [Fact]
    public void Ranges_are_given_from_the_lowest_on_and_counted()
    {
        uint slab = Add(_slabs, 64, sizeClass: 4);
        Assert.Equal((1L, 0L, 60u, 60u), (_slabs.Count, _slabs.RangesOut, _slabs.Idle, _slabs.IdleOf(slab)));
        for (uint i = 0; i < 12; i++)
        {
            Assert.Equal(slab, _slabs.First(4));
            Assert.Equal(64 + (5 * i), Take(4));
            Assert.Equal((i + 1L, 55 - (5 * i)), (_slabs.RangesOut, _slabs.Idle));
            _slabs.Validate();
        }

        Assert.Equal(0u, _slabs.First(4));
        Assert.False(_slabs.TryTake(4, out _));
        Assert.False(_slabs.TryTake(3, out _));
        Put(79);
        Assert.Equal(slab, _slabs.First(4));
        Put(69);
        Assert.Equal((69u, 79u), (Take(4), Take(4)));
        for (uint i = 0; i < 11; i++)
        {
            Put(64 + (5 * i));
        }

        PutLast(64 + 55);
        Assert.Equal((0L, 0L, 0u, 0u), (_slabs.Count, _slabs.RangesOut, _slabs.Idle, _slabs.Find(64)));
        Assert.Equal(1u << 16, _map.FreeSize);
    }

    [Fact]
    public void Only_a_range_that_was_given_is_out()
    {
        uint slab = Add(_slabs, 128, sizeClass: 2);
        for (int i = 0; i < 21; i++)
        {
            _ = Take(2);
        }

        Put(134);
        Assert.True(_slabs.IsOut(slab, 128, 2));
        Assert.True(_slabs.IsOut(slab, 188, 2));
        Assert.False(_slabs.IsOut(slab, 134, 2));
        Assert.False(_slabs.IsOut(slab, 129, 2));
        Assert.False(_slabs.IsOut(slab, 128, 1));
        Assert.False(_slabs.IsOut(slab, 191, 2));               // behind the last one
        Assert.Equal((188u, 3u, true), _slabs.RangeAt(slab, 190));
        Assert.Equal((134u, 3u, false), _slabs.RangeAt(slab, 134));
        Assert.Equal((slab, slab, 0u, 0u), (_slabs.Find(128), _slabs.Find(191), _slabs.Find(127), _slabs.Find(192)));
        Assert.Equal([(128u, 3u, true), (131u, 3u, true), (134u, 3u, false)], _slabs.Expand(slab).Take(3));
        Assert.Equal(21, _slabs.Expand(slab).Count());
    }

    /// <summary>Of three slabs of a class the one that came last gives first. Each goes out of the list when it is full or gone, from its
    /// beginning, its middle or its end, and comes back to its beginning.</summary>
    [Fact]
    public void Slabs_of_a_class_come_and_go()
    {
        uint[] slabs = [Add(_slabs, 0, 7), Add(_slabs, 64, 7), Add(_slabs, 128, 7)];
        Assert.Equal(3L, _slabs.Count);
        uint[] order = [128, 64, 0];
        foreach (uint first in order)
        {
            for (uint i = 0; i < 8; i++)
            {
                Assert.Equal(first + (8 * i), Take(7));
            }

            _slabs.Validate();
        }

        Assert.Equal(0u, _slabs.First(7));
        Put(64);
        Put(0);
        Put(128);
        Assert.Equal(slabs[2], _slabs.First(7));
        for (uint i = 1; i < 7; i++)
        {
            Put(64 + (8 * i));                    // the one at the end
            Put(8 * i);                           // and the one in the middle
        }

        PutLast(56);
        Assert.Equal((2L, slabs[2]), (_slabs.Count, _slabs.First(7)));
        PutLast(120);
        Assert.Equal(128u, Take(7));
        Assert.Equal(0u, _slabs.First(7));
        Assert.Equal((1L, 8L, 0u), (_slabs.Count, _slabs.RangesOut, _slabs.Idle));
        long bytes = _slabs.Bytes;
        Assert.Equal(slabs[1], Add(_slabs, 64, 0));             // the number that became free last
        Assert.Equal(slabs[0], Add(_slabs, 0, 7));
        Assert.Equal(bytes, _slabs.Bytes);
        _ = Add(_slabs, 192, 3);
        Assert.True(_slabs.Bytes > bytes);
        _slabs.Validate();
    }

    /// <summary>Four ranges of eight are left: out, free, out, free. From the end on they become segments, or free.</summary>
    [Fact]
    public void A_slab_is_cut_from_its_end()
    {
        uint slab = Add(_slabs, 0, 7);
        for (int i = 0; i < 8; i++)
        {
            _ = Take(7);
        }

        Put(56);
        Put(40);
        Put(24);
        Assert.Equal((5L, 24u), (_slabs.RangesOut, _slabs.Idle));
        (bool IsFree, long Out, uint Idle)[] steps =
            [(true, 5, 16), (false, 4, 16), (true, 4, 8), (false, 3, 8), (true, 3, 0), (false, 2, 0), (false, 1, 0), (false, 0, 0)];
        for (int i = 0; i < 8; i++)
        {
            _map.Reserve();
            Assert.Equal(i < 7, _slabs.Cut(slab, out uint freed));
            Assert.Equal(steps[i], (freed != 0, _slabs.RangesOut, _slabs.Idle));
            if (freed != 0)
            {
                _map.ReserveToFree();
                _ = _map.Free(freed);
            }

            _slabs.Validate();
            Assert.Equal(i < 4 ? slab : 0, _slabs.First(7));
        }

        Assert.Equal(0L, _slabs.Count);
        Assert.Equal((5L, 40u), (_map.LiveSegments, _map.InUse));
        Assert.All((uint[])[0, 8, 16, 32, 48], start => Assert.True(_map.IsAllocated(_map.FindLive(start), start, 8)));
    }

    [Fact]
    public void A_slab_of_which_nothing_is_out_is_cut_in_one()
    {
        uint slab = Add(_slabs, 0, 2);
        uint[] taken = [Take(2), Take(2)];
        Put(taken[0]);
        Assert.True(_slabs.Put(slab, taken[1]));
        _map.Reserve();
        Assert.False(_slabs.Cut(slab, out uint freed));
        Assert.Equal(new Segment<uint>(0, 63, SegmentKind.Allocated), _map.GetSegment(freed));
        Assert.Equal((0L, 0L, 0u, 0u), (_slabs.Count, _slabs.RangesOut, _slabs.Idle, _slabs.First(2)));
        _slabs.Validate();
    }

    /// <summary>The most that a slab may have: all bits of its map.</summary>
    [Fact]
    public void Two_hundred_and_fifty_six_ranges_are_one_slabs()
    {
        using RangeSlabs<uint> slabs = new(_map, 1, RangeSlabs<uint>.MaxClasses);
        uint slab = Add(slabs, 256, sizeClass: 0);
        for (uint i = 0; i < 256; i++)
        {
            Assert.True(slabs.TryTake(0, out uint start));
            Assert.Equal(256 + i, start);
        }

        foreach (uint place in (uint[])[63, 64, 127, 128, 191, 192, 255, 0])
        {
            Assert.True(slabs.IsOut(slab, 256 + place, 0));
            Assert.False(slabs.Put(slab, 256 + place));
            Assert.False(slabs.IsOut(slab, 256 + place, 0));
            slabs.Validate();
        }

        foreach (uint place in (uint[])[0, 63, 64, 127, 128, 191, 192, 255])
        {
            Assert.True(slabs.TryTake(0, out uint start));
            Assert.Equal(256 + place, start);
        }

        Assert.False(slabs.TryTake(0, out _));
    }
}
