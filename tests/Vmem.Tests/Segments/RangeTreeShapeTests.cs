using Vmem.Checks;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>How many nodes a tree takes: what is full is divided, and what has become small is joined with a neighbour.</summary>
public sealed unsafe class RangeTreeShapeTests : IDisposable
{
    private const int Width = 32;

    private readonly RangeTree<ulong, ByKey<ulong>> _tree = new();

    public void Dispose() => _tree.Release();

    [Fact]
    public void One_leaf_needs_no_more_memory_until_it_is_full()
    {
        Assert.False(_tree.HasReserved(1));
        _tree.Reserve(1);
        for (uint count = 0; count < Width; count++)
        {
            Assert.True(_tree.HasReserved(Width - count));
            Assert.False(_tree.HasReserved(Width - count + 1));
            _tree.Insert(count, 1, count + 1);
        }

        Assert.False(_tree.HasReserved(1));
        _tree.Reserve(1);
        Assert.True(_tree.HasReserved(1));
    }

    /// <summary>What comes at the very end begins a node of its own: 100 full leaves under nodes of 31, 31, 31 and 7.</summary>
    [Fact]
    public void Ascending_keys_fill_their_leaves()
    {
        Ascend(100 * Width);
        Assert.Equal(Bytes(leaves: 100, inners: 5), _tree.Bytes);
        _tree.Validate((_, _, _) => { });
    }

    /// <summary>A full leaf is divided in 17 and 16, and so is a full node above it.</summary>
    [Fact]
    public void Descending_keys_leave_their_leaves_half_full()
    {
        for (ulong key = 3_200; key > 0; key--)
        {
            Insert(key);
        }

        int leaves = 2 + ((3_200 - 33) / 16);
        int above = 2 + ((leaves - 33) / 16);
        Assert.Equal(Bytes(leaves, above + 1), _tree.Bytes);
        _tree.Validate((_, _, _) => { });
    }

    /// <summary>Three leaves of which a quarter is left fit into one; 31 leaves of a node become 11, and two nodes with so few one. So 64
    /// leaves and two of the nodes above are there for others.</summary>
    [Fact]
    public void Leaves_with_few_entries_are_joined_with_the_one_before()
    {
        Ascend(100 * Width);
        for (ulong key = 0; key < 100 * Width; key++)
        {
            RemoveUnlessFourth(key);
        }

        _tree.Validate((_, _, _) => { });
        Assert.Equal(24 + (64 * Width), CountUntilItGrows());
    }

    /// <summary>The leaf before is still full then. Only the first of each of the four nodes has none, and is joined with the
    /// next.</summary>
    [Fact]
    public void The_first_leaf_is_joined_with_the_one_behind()
    {
        Ascend(100 * Width);
        for (ulong key = 100 * Width; key-- > 0;)
        {
            RemoveUnlessFourth(key);
        }

        _tree.Validate((_, _, _) => { });
        Assert.Equal(24 + (4 * Width), CountUntilItGrows());
    }

    [Fact]
    public void All_nodes_of_an_empty_tree_are_there_for_others()
    {
        Ascend(100 * Width);
        long bytes = _tree.Bytes;
        foreach (bool isAscending in (bool[])[true, false])
        {
            for (ulong i = 0; i < 100 * Width; i++)
            {
                ulong key = isAscending ? i : (100 * Width) - 1 - i;
                _tree.Remove(key, key + 1);
            }

            Assert.Equal(0, _tree.Count);
            _tree.Validate((_, _, _) => { });
            Ascend(100 * Width);
            Assert.Equal(bytes, _tree.Bytes);
            _tree.Validate((_, _, _) => { });
        }
    }

    /// <summary>A search goes down once; the next entry is in the same leaf, or is searched for from the root.</summary>
    [Fact]
    public void A_search_visits_a_node_of_each_level()
    {
        Ascend(100 * Width);
        Assert.Equal(3, Steps(() => _tree.TryFindFirst(500, 0, 0, out _)));
        Assert.Equal(3, Steps(() => _tree.TryFindLast(500, 0, 0, out _)));
        Assert.Equal(1, Steps(() => _tree.TryFindFirst(0, 0, 4_000, out _)));        // no value is so large
        Assert.True(_tree.TryFindFirst(31 * Width, 0, 0, out RangeTree<ulong, ByKey<ulong>>.Cursor cursor));
        for (int i = 1; i < Width; i++)
        {
            Assert.Equal(0, Steps(() => _tree.TryMoveNext(ref cursor, 0)));
        }

        Assert.Equal(3, Steps(() => _tree.TryMoveNext(ref cursor, 0)));
        Assert.Equal(32ul * Width, cursor.Key);
    }

    /// <summary>What a search has just found is removed, changed and moved without another.</summary>
    [Fact]
    public void A_change_of_what_was_found_searches_nothing()
    {
        Ascend(100 * Width);
        for (ulong key = 41; key < 400; key += 40)
        {
            Assert.True(_tree.TryFindFirst(key, 0, 0, out _));
            Assert.Equal(0, Steps(() => _tree.Replace(key, key + 1, key, key + 1, 7)));
            Assert.Equal(3, Steps(() => _tree.Replace(key, key + 1, key, key + 2, 7)));
            Assert.True(_tree.TryFindFirst(key, 0, 0, out _));
            Assert.Equal(0, Steps(() => _tree.Move(key, key + 2, key, key + 3, 7)));
            Assert.True(_tree.TryFindLast(key, 0, 0, out _));
            Assert.Equal(0, Steps(() => _tree.Remove(key, key + 3)));
            Assert.True(_tree.TryFindFirst(key + 5, 0, 0, out RangeTree<ulong, ByKey<ulong>>.Cursor cursor));
            Assert.True(_tree.TryMoveNext(ref cursor, 0));
            Assert.Equal(0, Steps(() => _tree.Remove(key + 6, key + 7)));
        }

        _tree.Validate((_, _, _) => { });
    }

    private void Ascend(ulong count)
    {
        for (ulong key = 0; key < count; key++)
        {
            Insert(key);
        }
    }

    private void Insert(ulong key)
    {
        _tree.Reserve(1);
        _tree.Insert(key, key + 1, (uint)key + 1);
    }

    private void RemoveUnlessFourth(ulong key)
    {
        if (key % 4 != 0)
        {
            _tree.Remove(key, key + 1);
        }
    }

    /// <summary>How many more ascending keys there is room for in the nodes that were ever used.</summary>
    private int CountUntilItGrows()
    {
        long bytes = _tree.Bytes;
        int count = -1;
        for (ulong key = 100 * Width; _tree.Bytes == bytes; key++)
        {
            Insert(key);
            count++;
        }

        return count;
    }

    /// <summary>Number 0 of each kind is never used.</summary>
    private static long Bytes(int leaves, int inners) =>
        ((leaves + 1L) * sizeof(RangeTree<ulong, ByKey<ulong>>.Node)) + ((inners + 1L) * sizeof(RangeTree<ulong, ByKey<ulong>>.InnerNode));

    private static long Steps(Action action)
    {
        _ = StepCounter.Take();
        action();
        return StepCounter.Take();
    }
}
