using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Which tags are taken, and which memory goes back.</summary>
public sealed unsafe class TagPoolTests : IDisposable
{
    private TagPool<ulong> _pool;

    public void Dispose() => _pool.Release();

    [Fact]
    public void It_grows_by_a_half_and_by_a_third_in_turn()
    {
        Assert.Equal((0u, 0L, false), (_pool.Most, _pool.InUse, _pool.HasReserved(1)));
        foreach (uint most in (uint[])[7, 11, 15, 23, 31, 47, 63, 95, 127])
        {
            Assert.Equal(most, _pool.NextMost);
            _pool.Grow();
            Assert.Equal((most, 0L), (_pool.Most, _pool.InUse));
            Assert.True(_pool.HasReserved(most));
            Assert.False(_pool.HasReserved(most + 1));
        }
    }

    [Fact]
    public void The_one_that_was_returned_last_is_taken_first()
    {
        Fill(63);
        Assert.Equal((64u, 63L, 128u), (_pool.HighWater, _pool.InUse, _pool.Need));
        Assert.False(_pool.HasReserved(1));
        _pool.Return(5);
        _pool.Return(9);
        Assert.Equal((9u, 61L), (_pool.LastReturned, _pool.InUse));
        Assert.True(_pool.HasReserved(2));
        Assert.False(_pool.HasReserved(3));
        Assert.Equal((9u, 5u), (Take(), Take()));
        Assert.Equal(0u, _pool.LastReturned);
    }

    [Theory]
    [InlineData(0u, 8u)]
    [InlineData(4u, 8u)]
    [InlineData(5u, 16u)]
    [InlineData(17u, 64u)]
    public void What_is_in_use_needs_twice_as_much(uint count, uint need)
    {
        Fill(63);
        ReturnFrom(count + 1);
        Assert.Equal(need, _pool.Need);
    }

    [Fact]
    public void Below_a_bound_the_lowest_are_taken_first_and_those_above_are_found_again()
    {
        Fill(63);
        ReturnFrom(16);
        _pool.Return(3);
        Assert.True(_pool.KeepBelow(16));
        Assert.Equal((14L, 63u, 64u), (_pool.InUse, _pool.Most, _pool.HighWater));
        Assert.True(_pool.HasReserved(1));
        Assert.False(_pool.HasReserved(2));
        Assert.Equal(3u, Take());
        Assert.Equal(15, _pool.InUse);
        Assert.True(_pool.TryFindLost());
        Assert.Equal(15, _pool.InUse);
        Assert.True(_pool.HasReserved(48));
        Assert.False(_pool.HasReserved(49));
        Assert.Equal(Enumerable.Range(16, 48).Select(tag => (uint)tag), TakeMany(48));
        Assert.False(_pool.TryFindLost());
    }

    /// <summary>One may be left in the list when others are looked for.</summary>
    [Fact]
    public void What_is_still_listed_is_not_found_twice()
    {
        Fill(63);
        ReturnFrom(16);
        Assert.True(_pool.KeepBelow(32));
        _ = TakeMany(15);
        Assert.Equal(31u, _pool.LastReturned);
        Assert.True(_pool.TryFindLost());
        Assert.Equal(Enumerable.Range(31, 33).Select(tag => (uint)tag), TakeMany(33));
        Assert.False(_pool.HasReserved(1));
    }

    /// <summary>One that was in use above the bound has come back, and another is in use still.</summary>
    [Fact]
    public void Neither_what_is_in_use_nor_what_came_back_is_found()
    {
        Fill(63);
        for (uint tag = 16; tag <= 63; tag++)
        {
            if (tag is not (40 or 50))
            {
                _pool.Return(tag);
            }
        }

        Assert.False(_pool.KeepBelow(16));
        _pool.Return(40);
        Assert.True(_pool.TryFindLost());
        Assert.True(_pool.HasReserved(47));
        Assert.False(_pool.HasReserved(48));
        Assert.Equal(Enumerable.Range(16, 48).Where(tag => tag != 50).Select(tag => (uint)tag), TakeMany(47));
    }

    [Fact]
    public void What_was_never_used_is_found_again_too()
    {
        Fill(63, used: 39);
        ReturnFrom(20);
        Assert.True(_pool.KeepBelow(20));
        Assert.True(_pool.TryFindLost());
        Assert.True(_pool.HasReserved(44));
        Assert.False(_pool.HasReserved(45));
        Assert.Equal(Enumerable.Range(20, 44).Select(tag => (uint)tag), TakeMany(44));
    }

    [Fact]
    public void So_many_are_found_at_a_time()
    {
        Fill(255);
        ReturnFrom(100);
        Assert.True(_pool.KeepBelow(100));
        foreach (uint found in (uint[])[64, 64, 28])
        {
            Assert.True(_pool.TryFindLost());
            Assert.True(_pool.HasReserved(found));
            Assert.False(_pool.HasReserved(found + 1));
            _ = TakeMany(found);
        }

        Assert.Equal(255, _pool.InUse);
    }

    [Fact]
    public void Memory_above_a_bound_goes_back()
    {
        Fill(63);
        ReturnFrom(16);
        _pool.Return(7);
        long bytes = _pool.Bytes;
        Assert.True(_pool.KeepBelow(16));
        Assert.True(_pool.Shrink(16));
        Assert.True(_pool.Bytes < bytes);
        Assert.Equal((14L, 15u, 16u, 23u), (_pool.InUse, _pool.Most, _pool.HighWater, _pool.NextMost));
        Assert.Equal(7u, Take());
        Assert.False(_pool.HasReserved(1));
        Assert.False(_pool.TryFindLost());
    }

    [Fact]
    public void One_in_use_above_the_bound_is_said_and_may_be_lost()
    {
        Fill(63);
        ReturnFrom(41);
        for (uint tag = 16; tag < 40; tag++)
        {
            _pool.Return(tag);
        }

        Assert.False(_pool.KeepBelow(16));
        Assert.Equal(16, _pool.InUse);
        _pool.Lose(40);
        Assert.Equal(15, _pool.InUse);
        Assert.Equal(TagKind.Unused, _pool.At(40)->Kind);
        Assert.True(_pool.KeepBelow(16));
    }

    private void Fill(uint most, uint? used = null)
    {
        while (_pool.Most < most)
        {
            _pool.Grow();
        }

        Assert.Equal(Enumerable.Range(1, (int)(used ?? most)).Select(tag => (uint)tag), TakeMany(used ?? most));
    }

    private void ReturnFrom(uint first)
    {
        for (uint tag = first; tag < _pool.HighWater; tag++)
        {
            if (_pool.At(tag)->Kind != TagKind.Unused)
            {
                _pool.Return(tag);
            }
        }
    }

    private uint Take()
    {
        uint tag = _pool.Take();
        _pool.At(tag)->Place(0, 0, TagKind.Allocated);
        return tag;
    }

    /// <summary>In ascending order.</summary>
    private uint[] TakeMany(uint count)
    {
        var taken = new uint[count];
        for (int i = 0; i < taken.Length; i++)
        {
            taken[i] = Take();
        }

        Array.Sort(taken);
        return taken;
    }
}
