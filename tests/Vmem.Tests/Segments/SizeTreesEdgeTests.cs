using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The trees of sizes at their limits: what they take, what comes before all are known, and the first large size.</summary>
public sealed unsafe class SizeTreesEdgeTests : IDisposable
{
    private const int Shift = 3;

    private readonly SizeTrees<ulong> _trees = new(Shift);
    private FreeLists<ulong> _lists = new(Shift);
    private TagPool<ulong> _tags;

    private static int Leaf => sizeof(RangeTree<ulong, ByKeyAlone<ulong>>.Node);

    public void Dispose()
    {
        _trees.Release();
        _lists.Release();
        _tags.Release();
    }

    /// <summary>Each tree begins with four leaves, of which one is never used.</summary>
    [Fact]
    public void They_take_the_memory_of_both_trees_and_of_their_tables()
    {
        long tables = SizeClass.FirstWide * sizeof(ulong);
        long early = SizeClass.FirstWide * SizeTrees<ulong>.Long * sizeof(uint);
        Assert.Equal(tables + early, _trees.Bytes);
        _trees.UseLists();
        Assert.Equal(tables, _trees.Bytes);
        _trees.Reserve(3);
        Assert.Equal(tables + (2 * 4 * Leaf), _trees.Bytes);
        _trees.Release();
        Assert.Equal(tables, _trees.Bytes);
    }

    /// <summary>The leaf of large ones is full, and the others have theirs.</summary>
    [Fact]
    public void There_is_room_only_if_both_trees_have_it()
    {
        _trees.UseLists();
        Assert.False(_trees.HasReserved(2));
        _trees.Reserve(2);
        for (uint number = 0; number < 31; number++)
        {
            Assert.True(_trees.HasReserved(1));
            _trees.Add(10_000 * number, 5_000, number + 1);
        }

        Assert.Equal((true, false), (_trees.HasReserved(1), _trees.HasReserved(2)));
        _trees.Reserve(2);
        Assert.True(_trees.HasReserved(2));
    }

    /// <summary>A quarter of 24 in a list is enough to have no tree.</summary>
    [Theory]
    [InlineData(6u)]
    [InlineData(7u)]
    public void Sizes_of_few_have_no_tree_when_all_are_known(uint left)
    {
        uint[] fives = Segments(5, 30);
        uint[] nines = Segments(9, 30);
        foreach (uint tag in (uint[])[.. fives, .. nines])
        {
            AddEarly(tag);
        }

        foreach (uint tag in fives.Skip((int)left))
        {
            Remove(tag);
        }

        AddEarly(Segments(9, 1, from: 30)[0]);    // now the tree of the other size is at hand
        _trees.UseLists();
        _trees.Validate(_tags, _ => true);
        Find(5, fives[0]);
        Find(9, nines[0]);
    }

    /// <summary>The leaf of a size that has no tree any more is there for the next.</summary>
    [Fact]
    public void Trees_that_come_and_go_take_no_more_memory()
    {
        _trees.UseLists();
        long bytes = 0;
        for (int round = 0; round < 40; round++)
        {
            uint[] tags = Segments(5, 25);
            foreach (uint tag in tags)
            {
                Push(tag);
                _trees.Reserve(2);
                _trees.Add(_tags.At(tag)->Start, 5 << Shift, tag);
            }

            Assert.Equal(5, _trees.Grown);        // counted in quanta
            _trees.Plant(_tags, _lists, tags[^1]);
            _trees.Validate(_tags, _ => true);
            foreach (uint tag in tags)
            {
                Remove(tag);
            }

            bytes = round == 0 ? _trees.Bytes : bytes;
            Assert.Equal(bytes, _trees.Bytes);
        }
    }

    [Fact]
    public void The_first_large_size_is_found_for_a_small_request()
    {
        _trees.UseLists();
        uint tag = Segments(SizeClass.FirstWide, 1)[0];
        Push(tag);
        _trees.Reserve(2);
        _trees.Add(_tags.At(tag)->Start, SizeClass.FirstWide << Shift, tag);
        foreach (int units in (int[])[1, SizeClass.FirstWide - 1, SizeClass.FirstWide])
        {
            Find(units, tag);
        }

        Assert.Equal(0u, _trees.Find(_tags, _lists, (SizeClass.FirstWide + 1) << Shift, SizeClass.FirstWide + 1, out _));
    }

    private void Find(int units, uint expected)
    {
        Assert.Equal(expected, _trees.Find(_tags, _lists, (ulong)units << Shift, (ulong)units, out ulong start));
        Assert.Equal(_tags.At(expected)->Start, start);
    }

    private void AddEarly(uint tag)
    {
        ulong start = _tags.At(tag)->Start;
        Push(tag);
        _trees.Reserve(2);
        _trees.Add(start, _tags.At(_tags.At(tag)->Next)->Start - start, tag);
        if (_trees.Grown != 0)
        {
            _trees.Plant(_tags, _lists, tag);
        }
    }

    private void Push(uint tag) =>
        _lists.Push(_tags, tag, _tags.At(tag), ClassOf(tag), inOrder: false);

    private void Remove(uint tag)
    {
        ulong start = _tags.At(tag)->Start;
        _lists.Remove(_tags, _tags.At(tag), ClassOf(tag));
        _trees.Remove(start, _tags.At(_tags.At(tag)->Next)->Start - start, tag);
        _tags.Return(_tags.At(tag)->Next);
        _tags.Return(tag);
    }

    private int ClassOf(uint tag) => SizeClass.Of((_tags.At(_tags.At(tag)->Next)->Start - _tags.At(tag)->Start) >> Shift);

    /// <summary>Free segments, each with the tag of a held one behind it.</summary>
    private uint[] Segments(int units, int count, int from = 0)
    {
        var free = new uint[count];
        for (int i = 0; i < count; i++)
        {
            while (!_tags.HasReserved(2))
            {
                _lists.EnsurePlaces(_tags.NextMost);
                _tags.Grow();
                _lists.EnsureReach(1 << 12, _tags.Most);
            }

            (uint tag, uint end) = (_tags.Take(), _tags.Take());
            free[i] = tag;
            _tags.At(tag)->Start = (ulong)((units * 1_000_000) + ((from + i) * 1_024));
            _tags.At(end)->Start = _tags.At(tag)->Start + ((ulong)units << Shift);
            _tags.At(tag)->Place(end, end, TagKind.Free);
            _tags.At(end)->Place(tag, tag, TagKind.Allocated);
        }

        return free;
    }
}
