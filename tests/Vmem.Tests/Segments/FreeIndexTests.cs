using Vmem.Checks;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>One index over free segments: how it is begun, told of changes, and given up; and the few that know an alignment.</summary>
public sealed unsafe class FreeIndexTests : IDisposable
{
    private readonly AlignedIndexes<uint, ByKey<uint>> _aligned = new();
    private FreeIndex<uint, ByKey<uint>> _index;
    private TagPool<uint> _tags;

    public void Dispose()
    {
        _aligned.Release();
        _index.Release();
        _tags.Release();
    }

    [Fact]
    public void It_is_built_in_steps_and_told_of_what_it_covers()
    {
        uint[] free = Segments(1_500);
        Assert.Equal((false, false, true, 0L), (_index.IsBegun, _index.IsComplete, _index.HasReserve, _index.Bytes));
        _index.Ask(_tags);
        Assert.Equal((true, false, 1_024L), (_index.IsBegun, _index.IsComplete, _index.Tree!.Count));
        _index.Validate(_tags);
        Change(free[0], 5);                       // one that is covered, and one that is not
        Change(free[^1], 5);
        _index.Validate(_tags);
        _index.Ask(_tags);
        Assert.Equal((true, 1_500L), (_index.IsComplete, _index.Tree.Count));
        Change(free[0], 6);
        Change(free[^1], 6);
        _index.Validate(_tags);
        Remove(free[3]);
        Assert.Equal(1_499, _index.Tree.Count);
        _index.Validate(_tags);
    }

    /// <summary>The first time it survives 1,024 changes and one for each fourth entry.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_goes_when_nobody_asks_unless_it_is_kept(bool isKept)
    {
        uint[] free = Segments(100);
        _index.IsKept = isKept;
        _index.Ask(_tags);
        for (uint change = 0; change < 1_024 + 25; change++)
        {
            _index.Reserve();
            Assert.True(_index.HasReserve);
            Change(free[7], 5 + (change % 4));
        }

        Assert.True(_index.IsBegun);
        Change(free[7], 9);
        Assert.Equal(isKept, _index.HasReserve);
        _index.Reserve();
        Assert.Equal((isKept, isKept), (_index.IsBegun, _index.IsComplete));
        Assert.Equal(isKept, _index.Bytes > 0);
        Assert.True(_index.HasReserve);
        _index.Ask(_tags);
        _index.Validate(_tags);
    }

    /// <summary>What comes and what goes counts as much as what changes.</summary>
    [Fact]
    public void Each_change_takes_of_its_patience()
    {
        _ = Segments(100);
        _index.Ask(_tags);
        for (int change = 0; change < 1_024 + 24; change += 2)
        {
            _index.Add(1_000_000, 5, 1);
            _index.Remove(1_000_000, 5, 1);
        }

        _index.Add(1_000_000, 5, 1);
        _index.Reserve();
        Assert.True(_index.IsBegun);
        _index.Remove(1_000_000, 5, 1);
        Assert.False(_index.HasReserve);
        _index.Reserve();
        Assert.False(_index.IsBegun);
    }

    [Fact]
    public void A_tree_that_must_know_more_is_made_anew()
    {
        _ = Segments(100);
        _index.Ask(_tags);
        RangeTree<uint, ByKey<uint>> plain = _index.Tree!;
        _index.Want(TreeExtras.None);
        Assert.Same(plain, _index.Tree);
        _index.Want(TreeExtras.Sums);
        Assert.False(_index.IsBegun);
        _index.Ask(_tags);
        RangeTree<uint, ByKey<uint>> summed = _index.Tree!;
        Assert.Equal(400u, summed.Total);
        _index.Want(TreeExtras.Sums);
        _index.Want(TreeExtras.None);
        Assert.Same(summed, _index.Tree);
        _index.Want(TreeExtras.Bounds);
        _index.Ask(_tags);
        RangeTree<uint, ByKey<uint>> both = _index.Tree!;
        Assert.NotSame(summed, both);
        _index.Want(TreeExtras.Sums | TreeExtras.Bounds);
        Assert.Same(both, _index.Tree);
        Assert.Equal(400u, both.Total);
        _index.Drop();
        _index.Want(TreeExtras.None);
        _index.Ask(_tags);
        _index.Want(TreeExtras.Sums);
        Assert.False(_index.IsBegun);             // the one before knew none
    }

    /// <summary>What is wanted again beside something new stays.</summary>
    [Fact]
    public void A_tree_made_anew_knows_what_the_one_before_did()
    {
        _ = Segments(100);
        _index.Want(TreeExtras.Sums);
        _index.Ask(_tags);
        _index.Want(TreeExtras.Sums | TreeExtras.Bounds);
        Assert.False(_index.IsBegun);
        _index.Ask(_tags);
        _index.Want(TreeExtras.Sums);
        Assert.True(_index.IsBegun);
        Assert.Equal(400u, _index.Tree!.Total);
    }

    [Fact]
    public void Without_memory_it_is_given_up()
    {
        _ = Segments(100);
        using (GrowthFault.Inject(static () => true))
        {
            Assert.Throws<InsufficientMemoryException>(() => _index.Ask(_tags));
            Assert.Equal((false, false, 0L), (_index.IsBegun, _index.IsComplete, _index.Bytes));
        }

        _index.Ask(_tags);
        Assert.True(_index.IsComplete);
        _index.Validate(_tags);
    }

    [Fact]
    public void The_alignment_that_was_asked_for_least_recently_gives_its_place()
    {
        _ = Segments(10);
        Ask(2, 4, 8, 16);
        Check([2, 4, 8, 16], [32]);
        Ask(2, 32);
        Check([2, 8, 16, 32], [4]);
        Ask(4);
        Check([2, 4, 16, 32], [8]);
        Assert.True(_aligned.IsBegun && _aligned.HasReserve);
        long bytes = _aligned.Bytes;
        _aligned.Drop();
        Check([], [2, 4, 16, 32]);
        Assert.False(_aligned.IsBegun);
        Assert.Equal(0, _aligned.Bytes);
        Ask(2);
        Assert.Equal(bytes, 4 * _aligned.Bytes);
        Ask(4);
        Check([2, 4], []);
    }

    [Fact]
    public void One_that_is_kept_gives_its_place_to_none()
    {
        uint[] free = Segments(10);
        _aligned.Keep(Of(2), _tags);
        Ask(4, 8, 16);
        Check([2, 4, 8, 16], []);
        Ask(32);
        Check([2, 8, 16, 32], [4]);
        for (uint change = 0; change < 1_100; change++)
        {
            Change(free[5], 4 + (change % 4));
        }

        _aligned.Reserve();
        Check([2], [8, 16, 32]);
        Assert.True(_aligned.HasReserve && _aligned.IsBegun);
        _aligned.Drop();
        Assert.False(_aligned.IsBegun);
        Assert.True(_aligned.Knows(Of(2)));       // it will be there again
        Assert.Null(_aligned.LargestRoom(Of(2)));
        Ask(4, 8, 16, 32, 2);
        Check([2, 8, 16, 32], [4]);
    }

    /// <summary>Each begins 3 behind a multiple of 16, so that of 4 one is left behind a multiple of 4, and of 20 four behind one of
    /// 16.</summary>
    [Fact]
    public void Every_alignment_is_told_of_all_changes()
    {
        uint[] free = Segments(10);
        Ask(1, 4, 16);
        Assert.Equal((4u, 3u, null), (_aligned.LargestRoom(Of(1)), _aligned.LargestRoom(Of(4)), _aligned.LargestRoom(Of(8))));
        Assert.Equal(0u, _aligned.LargestRoom(Of(16)));
        Change(free[4], 15);
        Assert.Equal((15u, 14u, 2u), (_aligned.LargestRoom(Of(1)), _aligned.LargestRoom(Of(4)), _aligned.LargestRoom(Of(16))));
        Change(free[4], 14);
        Assert.Equal((14u, 13u, 1u), (_aligned.LargestRoom(Of(1)), _aligned.LargestRoom(Of(4)), _aligned.LargestRoom(Of(16))));
        Change(free[4], 1);
        Assert.Equal((4u, 3u, 0u), (_aligned.LargestRoom(Of(1)), _aligned.LargestRoom(Of(4)), _aligned.LargestRoom(Of(16))));
        _aligned.Validate(_tags);
        Remove(free[0]);
        _aligned.Validate(_tags);
    }

    private static Alignment<uint> Of(uint align) => new(align - 1, 0, 0);

    private void Ask(params uint[] aligns)
    {
        foreach (uint align in aligns)
        {
            Assert.NotNull(_aligned.Ask(Of(align), _tags));
        }
    }

    private void Check(uint[] known, uint[] unknown)
    {
        Assert.All(known, align => Assert.True(_aligned.Knows(Of(align)) && _aligned.LargestRoom(Of(align)) is not null));
        Assert.All(unknown, align => Assert.False(_aligned.Knows(Of(align))));
        _aligned.Validate(_tags);
    }

    /// <summary>A free segment is longer or shorter.</summary>
    private void Change(uint tag, uint size)
    {
        Tag<uint>* end = _tags.At(_tags.At(tag)->Next);
        (uint start, uint old) = (_tags.At(tag)->Start, end->Start - _tags.At(tag)->Start);
        end->Start = start + size;
        _index.Reserve();
        _aligned.Reserve();
        _index.Replace(start, old, tag, start, size, tag);
        _aligned.Replace(start, old, tag, start, size, tag);
    }

    private void Remove(uint tag)
    {
        uint start = _tags.At(tag)->Start;
        uint size = _tags.At(_tags.At(tag)->Next)->Start - start;
        _index.Remove(start, size, tag);
        _aligned.Remove(start, size, tag);
        _tags.At(tag)->Kind = TagKind.Allocated;
    }

    /// <summary>Free segments of 4, each with the tag of a held one behind it.</summary>
    private uint[] Segments(uint count)
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
            _tags.At(tag)->Start = (32 * i) + 3;
            _tags.At(end)->Start = (32 * i) + 7;
            _tags.At(tag)->Place(end, end, TagKind.Free);
            _tags.At(end)->Place(tag, tag, TagKind.Allocated);
        }

        return free;
    }
}
