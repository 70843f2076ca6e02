using Vmem.Checks;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The indexes of a map together: what they take, what they are told, and when they go.</summary>
public sealed unsafe class FreeIndexesTests : IDisposable
{
    private const int Shift = 3;
    private const uint Apart = 1 << 14;
    private const uint Size = 2_000;                 // 250 units: a large size of best fit

    private FreeIndexes<uint> _indexes = new(Shift);
    private FreeLists<uint> _lists = new(Shift);
    private TagPool<uint> _tags;
    private RangeTree<uint, ByKey<uint>>? _aligned;
    private RangeTree<uint, BySizeWithRoom<uint>>? _alignedBySize;

    /// <summary>Each kind of index, and how somebody asks for it.</summary>
    private (string Name, Action Ask, Func<long> Bytes)[] Kinds =>
    [
        ("by address", () => _indexes.HasByAddress(_tags, inSteps: false), () => _indexes.ByAddress.Bytes),
        ("by size", () => _indexes.HasBySize(_tags, inSteps: false), () => _indexes.BySize.Bytes),
        ("best fit", () => _indexes.HasByFit(_tags, _lists, inSteps: false), () => _indexes.ByFit.Bytes),
        ("aligned", () => _aligned = FreeIndexes<uint>.AskAligned(ref _indexes.Aligned, _tags, Of(4), inSteps: false),
            () => _indexes.Aligned!.Bytes),
        ("aligned by size",
            () => _alignedBySize = FreeIndexes<uint>.AskAligned(ref _indexes.AlignedBySize, _tags, Of(4), inSteps: false),
            () => _indexes.AlignedBySize!.Bytes),
        ("counts", () => _indexes.Counts.TryAsk(_tags), () => _indexes.Counts.Bytes),
        ("order", () => _indexes.AskOrder(), () => _indexes.Order!.Bytes),
    ];

    public void Dispose()
    {
        _indexes.Release();
        _lists.Release();
        _tags.Release();
    }

    [Fact]
    public void Each_alone_is_begun_takes_its_bytes_and_is_dropped()
    {
        _ = Segments(10);
        foreach ((string name, Action ask, Func<long> bytes) in Kinds)
        {
            Renew();
            Assert.Equal((false, 0L, true), (_indexes.IsAnyBegun, _indexes.Bytes, _indexes.HasReserve));
            ask();
            Assert.True(_indexes.IsAnyBegun, name);
            Assert.True(_indexes.HasReserve, name);
            Assert.True(bytes() > 0, name);
            Assert.Equal(bytes(), _indexes.Bytes);
            _indexes.Validate(_tags);
            _indexes.Drop();
            bool stays = name == "counts";           // they need no memory for a change
            Assert.Equal((stays, stays), (_indexes.IsAnyBegun, _indexes.Bytes > 0));
            _indexes.Validate(_tags);
        }
    }

    [Fact]
    public void Together_they_take_the_sum()
    {
        _ = Segments(10);
        Assert.All(Kinds, kind => kind.Ask());
        Assert.Equal(Kinds.Sum(kind => kind.Bytes()), _indexes.Bytes);
    }

    /// <summary>The tables of an index that is small go back at once.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_dropped_or_released_gives_its_memory_back(bool isDropped)
    {
        _ = Segments(10);
        Assert.All(Kinds, kind => kind.Ask());
        RangeTree<uint, ByKey<uint>> byAddress = _indexes.ByAddress.Tree!;
        RangeTree<uint, ByKeyThenValue<uint>> bySize = _indexes.BySize.Tree!;
        SizeTrees<uint> byFit = _indexes.ByFit.Trees!;
        FreedOrder<uint> order = _indexes.Order!;
        (isDropped ? _indexes.Drop : (Action)_indexes.Release)();
        Assert.Equal((0L, 0L, 0L), (byAddress.Bytes, bySize.Bytes, order.Bytes));
        Assert.Equal((0L, 0L), (_aligned!.Bytes, _alignedBySize!.Bytes));
        Assert.Equal(SizeClass.FirstWide * sizeof(ulong), byFit.Bytes);
        Assert.Equal(isDropped, _indexes.Order is null);
        Assert.Equal((false, false, false), (_indexes.ByAddress.IsBegun, _indexes.BySize.IsBegun, _indexes.ByFit.IsBegun));
        Assert.Equal((false, false), (_indexes.Aligned!.IsBegun, _indexes.AlignedBySize!.IsBegun));
    }

    /// <summary>Each index is told of a change by which another would no longer be true.</summary>
    [Fact]
    public void One_that_was_not_told_of_a_change_is_found_out()
    {
        uint[] free = Segments(10);
        foreach ((string name, Action ask, _) in Kinds.Where(kind => kind.Name != "order"))
        {
            Renew();
            ask();
            _indexes.Validate(_tags);
            (uint start, uint size) = Lengthen(free[4]);
            InvariantViolationException fault = Assert.Throws<InvariantViolationException>(() => _indexes.Validate(_tags));
            Assert.False(fault.Message.Length == 0, name);
            _indexes.Replace(start, size, free[4], start, size + Size, free[4]);
            _indexes.Validate(_tags);
        }
    }

    /// <summary>A tree of one leaf is full with 32 entries; the step that made it took care for two more than 31.</summary>
    [Fact]
    public void Each_alone_has_no_reserve_until_it_is_made()
    {
        _ = Segments(31);
        foreach ((string name, Action ask, _) in Kinds.Take(5))
        {
            Renew();
            ask();
            Assert.True(_indexes.HasReserve, name);
            Add(31);
            Add(32);
            Assert.False(_indexes.HasReserve, name);
            _indexes.Reserve();
            Assert.True(_indexes.HasReserve, name);
            Assert.True(_indexes.IsAnyBegun, name);
            _indexes.Drop();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nobody_asks_and_all_go_unless_they_are_kept(bool areKept)
    {
        uint[] free = Segments(10);
        if (areKept)
        {
            _indexes.Keep(_tags, _lists, TreeExtras.Sums, [Of(4), Of(8)]);
            Assert.Equal(10 * Size, _indexes.ByAddress.Tree!.Total);
        }
        else
        {
            Assert.All(Kinds.Take(5), kind => kind.Ask());
        }

        Assert.True(_indexes.Counts.TryAsk(_tags));
        uint start = _tags.At(free[7])->Start;
        for (int change = 0; change < 1_100; change++)
        {
            _indexes.Replace(start, Size, free[7], start, Size, free[7]);
        }

        Assert.False(_indexes.HasReserve);
        _indexes.Reserve();
        Assert.True(_indexes.HasReserve);
        Assert.False(_indexes.Counts.IsBegun);
        Assert.Equal(areKept, _indexes.IsAnyBegun);
        Assert.Equal((areKept, areKept, areKept), (_indexes.ByAddress.IsComplete, _indexes.BySize.IsComplete, _indexes.ByFit.IsComplete));
        foreach (uint align in (uint[])[4, 8])
        {
            Assert.Equal(areKept, _indexes.Aligned!.LargestRoom(Of(align)) is not null);
            Assert.Equal(areKept, _indexes.AlignedBySize!.LargestRoom(Of(align)) is not null);
        }

        _indexes.Validate(_tags);
    }

    /// <summary>A step looks at 2,048 tags, and there are 3,000.</summary>
    [Fact]
    public void What_is_kept_is_complete_at_once()
    {
        _ = Segments(1_500);
        _indexes.Keep(_tags, _lists, TreeExtras.None, []);
        Assert.Equal((true, true, true), (_indexes.ByAddress.IsComplete, _indexes.BySize.IsComplete, _indexes.ByFit.IsComplete));
        _indexes.Validate(_tags);
    }

    [Fact]
    public void The_counts_are_told_of_all_changes()
    {
        uint[] free = Segments(10);
        Assert.True(_indexes.Counts.TryAsk(_tags));
        Assert.Equal((SizeClass.Of(uint.MaxValue >> Shift) + 1) * sizeof(uint), _indexes.Counts.Bytes);
        int list = SizeClass.Of(Size >> Shift);
        Add(10);
        Assert.Equal((11L, 0L), (_indexes.Counts.From(list), _indexes.Counts.From(list + 1)));
        (uint start, uint size) = Lengthen(free[2]);
        _indexes.Replace(start, size, free[2], start, size + Size, free[2]);
        Assert.Equal((11L, 1L), (_indexes.Counts.From(list), _indexes.Counts.From(list + 1)));
        _indexes.Remove(start, size + Size, free[2]);
        Assert.Equal((10L, 0L), (_indexes.Counts.From(list), _indexes.Counts.From(list + 1)));
    }

    /// <summary>Of 127 units a list has all; the tree of large sizes begins with 128.</summary>
    [Fact]
    public void Best_fit_measures_in_quanta()
    {
        _ = Segments(3, 127 << Shift);
        _lists.EnsureReach(1 << 12, _tags.Most);
        Assert.True(_indexes.HasByFit(_tags, _lists, inSteps: false));
        Assert.Equal(0u, _indexes.ByFit.Trees!.Find(_tags, _lists, 127 << Shift, 127, out _));
        uint[] large = Segments(1, 128 << Shift);
        _indexes.Drop();
        Assert.True(_indexes.HasByFit(_tags, _lists, inSteps: false));
        Assert.Equal(large[0], _indexes.ByFit.Trees!.Find(_tags, _lists, 128 << Shift, 128, out _));
    }

    /// <summary>Each begins 3 behind a multiple of 16,384.</summary>
    [Theory]
    [InlineData(1u << 10, 10)]
    [InlineData(1u << 13, 0)]
    public void A_segment_without_room_for_an_alignment_is_in_none_of_its_indexes(uint align, int count)
    {
        _ = Segments(10);
        Assert.Equal(count, FreeIndexes<uint>.AskAligned(ref _indexes.Aligned, _tags, Of(align), inSteps: false)!.Count);
        Assert.Equal(count, FreeIndexes<uint>.AskAligned(ref _indexes.AlignedBySize, _tags, Of(align), inSteps: false)!.Count);
        _indexes.Validate(_tags);
    }

    private static Alignment<uint> Of(uint align) => new(align - 1, 0, 0);

    private void Renew()
    {
        _indexes.Release();
        _indexes = new FreeIndexes<uint>(Shift);
    }

    /// <summary>What was held behind it is free now, too.</summary>
    private (uint Start, uint OldSize) Lengthen(uint tag)
    {
        Tag<uint>* end = _tags.At(_tags.At(tag)->Next);
        (uint start, uint old) = (_tags.At(tag)->Start, end->Start - _tags.At(tag)->Start);
        end->Start += Size;
        return (start, old);
    }

    /// <summary>The indexes alone are told of one more.</summary>
    private void Add(uint number) => _indexes.Add((number * Apart) + 3, Size, 1);

    /// <summary>Free segments, each with the tag of a held one behind it.</summary>
    private uint[] Segments(uint count, uint size = Size)
    {
        var free = new uint[count];
        for (uint i = 0; i < count; i++)
        {
            while (!_tags.HasReserved(2))
            {
                _tags.Grow();
            }

            (uint tag, uint end) = (_tags.Take(), _tags.Take());
            free[i] = tag;
            _tags.At(tag)->Start = (i * Apart) + 3;
            _tags.At(end)->Start = (i * Apart) + 3 + size;
            _tags.At(tag)->Place(end, end, TagKind.Free);
            _tags.At(end)->Place(tag, tag, TagKind.Allocated);
        }

        return free;
    }
}
