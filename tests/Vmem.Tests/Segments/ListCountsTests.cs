using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>How many free segments each list has: counted in steps, told of changes, and gone when nobody asks.</summary>
public sealed unsafe class ListCountsTests : IDisposable
{
    private const int Shift = 4;

    private TagPool<uint> _tags;
    private ListCounts<uint> _counts = new() { QuantumShift = Shift };

    public void Dispose() => _tags.Release();

    [Fact]
    public void Nothing_is_counted_before_somebody_asks()
    {
        Segments(10, units: 3);
        Assert.Equal((false, 0L, true), (_counts.IsBegun, _counts.Bytes, _counts.HasReserve));
        _counts.Add(3 << Shift, 1);
        _counts.Remove(3 << Shift, 1);
        _counts.Reserve();
        _counts.Validate(_tags);
        Assert.Equal((false, 0L, true), (_counts.IsBegun, _counts.Bytes, _counts.HasReserve));
    }

    [Fact]
    public void Free_segments_are_counted_by_list()
    {
        Segments(10, units: 3);
        Segments(4, units: 5);
        Segments(2, units: 300);
        Assert.True(_counts.TryAsk(_tags));
        _counts.Validate(_tags);
        Assert.Equal(16, _counts.From(0));
        Assert.Equal((16L, 6L, 6L, 2L), (_counts.From(3), _counts.From(4), _counts.From(5), _counts.From(6)));
        int last = SizeClass.Of(uint.MaxValue >> Shift);
        Assert.Equal((2L, 0L), (_counts.From(SizeClass.Of(300u)), _counts.From(last)));
        Assert.Equal((last + 1) * sizeof(uint), _counts.Bytes);
        _counts.Add(uint.MaxValue, 1);
        Assert.Equal((1L, 17L), (_counts.From(last), _counts.From(0)));
        _counts.Remove(uint.MaxValue, 1);
        _counts.Remove(3 << Shift, 1);
        Assert.Equal((15L, 6L), (_counts.From(3), _counts.From(4)));
    }

    /// <summary>Each step looks at 2,048 tags. Changes of those that come later are not told.</summary>
    [Fact]
    public void Counts_are_made_in_steps()
    {
        Segments(1_500, units: 2);                // 3,000 tags: each segment has one that ends it
        Assert.False(_counts.TryAsk(_tags));
        Assert.True(_counts.IsBegun);
        _counts.Validate(_tags);
        Assert.Equal(1_024, _counts.From(0));
        _counts.Add(2 << Shift, 2_048);
        Assert.Equal(1_025, _counts.From(0));
        _counts.Add(2 << Shift, 2_049);
        _counts.Remove(2 << Shift, 2_049);
        Assert.Equal(1_025, _counts.From(0));
        _counts.Remove(2 << Shift, 2_048);
        Assert.True(_counts.TryAsk(_tags));
        Assert.Equal(1_500, _counts.From(0));
        _counts.Validate(_tags);
        Assert.True(_counts.TryAsk(_tags));
        Assert.Equal(1_500, _counts.From(0));
    }

    /// <summary>The first time they survive 1,024 changes and one for each fourth tag.</summary>
    [Fact]
    public void Nobody_asks_and_they_go()
    {
        Segments(200, units: 2);
        Assert.True(_counts.TryAsk(_tags));
        for (int change = 0; change < 1_024 + (401 / 4); change++)
        {
            _counts.Add(2 << Shift, 1);
            Assert.True(_counts.HasReserve);
            _counts.Reserve();
            Assert.True(_counts.IsBegun);
        }

        _counts.Remove(2 << Shift, 1);
        Assert.False(_counts.HasReserve);
        Assert.True(_counts.Bytes > 0);
        _counts.Reserve();
        Assert.Equal((false, 0L, true), (_counts.IsBegun, _counts.Bytes, _counts.HasReserve));
        Assert.True(_counts.TryAsk(_tags));
        Assert.Equal(200, _counts.From(0));
    }

    /// <summary>Free segments of one size, each with the tag of a held one behind it.</summary>
    private void Segments(int count, uint units)
    {
        for (int i = 0; i < count; i++)
        {
            while (!_tags.HasReserved(2))
            {
                _tags.Grow();
            }

            (uint free, uint end) = (_tags.Take(), _tags.Take());
            _tags.At(free)->Start = 1_600;
            _tags.At(end)->Start = 1_600 + (units << Shift);
            _tags.At(free)->Place(end, end, TagKind.Free);
            _tags.At(end)->Place(free, free, TagKind.Allocated);
        }
    }
}
