using Vmem.Checks;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>What a tree knows above its leaves after each change, what trees with shared nodes reserve, and what is not there.</summary>
public sealed unsafe class RangeTreeEdgeTests
{
    private const int Width = 32;

    /// <summary>The first entry goes each time, which is the least and begins every node above it.</summary>
    [Fact]
    public void Bounds_and_separators_are_right_after_each_removal()
    {
        RangeTree<ulong, ByKey<ulong>> tree = new(TreeExtras.Bounds);
        for (ulong key = 0; key < 50 * Width; key++)
        {
            Insert(tree, key, key + 1);
        }

        for (ulong key = 0; key < 50 * Width; key++)
        {
            tree.Remove(key, key + 1);
            tree.Validate((_, _, _) => { });
        }

        tree.Release();
    }

    /// <summary>Its neighbour has too many children to be joined with it.</summary>
    [Fact]
    public void A_node_with_one_leaf_keeps_it_until_that_is_empty()
    {
        RangeTree<ulong, ByKey<ulong>> tree = new();
        for (ulong key = 0; key < 100 * Width; key++)
        {
            Insert(tree, key, key + 1);
        }

        for (ulong key = Width; key < 31 * Width; key++)
        {
            tree.Remove(key, key + 1);
        }

        for (ulong key = 0; key < Width; key++)
        {
            tree.Remove(key, key + 1);
            tree.Validate((_, _, _) => { });
        }

        Assert.Equal(69 * Width, tree.Count);
        tree.Release();
    }

    /// <summary>A tree of four levels, whose root has two children. The values fall, so that the first leaves have the largest.</summary>
    [Fact]
    public void The_least_value_of_a_subtree_is_the_least_of_all_levels_below()
    {
        RangeTree<ulong, ByKey<ulong>> tree = new(TreeExtras.Bounds);
        for (ulong key = 0; key < 40_000; key++)
        {
            Insert(tree, key, 50_000 - key);
        }

        foreach (ulong floor in (ulong[])[0, 10_002, 19_248, 19_249, 30_000, 49_999])
        {
            var search = new RangeTree<ulong, ByKey<ulong>>.LeastWithin(0, ulong.MaxValue, floor, 0);
            while (!tree.TryFinish(ref search, nodes: 8))
            {
            }

            ulong value = ulong.Max(floor, 10_001);
            Assert.Equal((true, value, 50_000 - value), (search.IsFound, search.Value, search.Key));
        }

        tree.Validate((_, _, _) => { });
        tree.Release();
    }

    /// <summary>Nodes come by 4, 8 and so on, and the first of all is never used.</summary>
    [Fact]
    public void No_more_is_reserved_than_is_asked_for()
    {
        RangeTree<ulong, ByKeyAlone<ulong>> tree = new(isShared: true);
        tree.Reserve(3);
        Assert.Equal((true, false), (tree.HasReserved(3), tree.HasReserved(4)));
        tree.Reserve(4);
        Assert.Equal((true, false), (tree.HasReserved(7), tree.HasReserved(8)));
        tree.Release();
    }

    /// <summary>The next entries may come into any of the trees: that with the most entries counts.</summary>
    [Fact]
    public void A_leaf_of_another_tree_that_is_nearly_full_counts_for_what_is_reserved()
    {
        RangeTree<ulong, ByKeyAlone<ulong>> tree = new(isShared: true);
        tree.Reserve(6);
        for (ulong key = 0; key < Width - 2; key++)
        {
            tree.Insert(key, 0, (uint)key + 1);
        }

        RangeTree<ulong, ByKeyAlone<ulong>>.Contents full = tree.Selected;
        Assert.Equal((true, false), (tree.HasReserved(2), tree.HasReserved(3)));
        tree.Selected = default;
        Assert.Equal((true, false), (tree.HasReserved(2), tree.HasReserved(3)));
        tree.Reserve(3);
        tree.Selected = full;
        Assert.True(tree.HasReserved(3));
        tree.Release();
    }

    /// <summary>And that with the most levels.</summary>
    [Fact]
    public void The_height_of_another_tree_counts_for_what_is_reserved()
    {
        RangeTree<ulong, ByKeyAlone<ulong>> tree = new(isShared: true);
        for (ulong key = 0; key < 100 * Width; key++)
        {
            tree.Reserve(1);
            tree.Insert(key, 0, (uint)key + 1);
        }

        tree.Reserve(5);
        bool[] before = [.. Enumerable.Range(1, 40).Select(insertions => tree.HasReserved((uint)insertions))];
        Assert.Equal((true, false), (before[4], before[^1]));
        tree.Selected = default;
        Assert.Equal(before, Enumerable.Range(1, 40).Select(insertions => tree.HasReserved((uint)insertions)));
        tree.Release();
    }

    /// <summary>Also what was removed last, and still stands behind the end of its leaf.</summary>
    [Fact]
    public void What_is_not_there_is_not_removed()
    {
        RangeTree<ulong, ByKey<ulong>> tree = new();
        for (ulong key = 1; key <= 3; key++)
        {
            Insert(tree, 10 * key, 1);
        }

        tree.Remove(30, 1);
        foreach (ulong key in (ulong[])[0, 15, 30, 40])
        {
            Assert.Throws<InvariantViolationException>(() => tree.Remove(key, 1));
        }

        Assert.Equal(2, tree.Count);
        tree.Validate((_, _, _) => { });
        tree.Release();
    }

    private static void Insert(RangeTree<ulong, ByKey<ulong>> tree, ulong key, ulong value)
    {
        tree.Reserve(1);
        tree.Insert(key, value, (uint)key + 1);
    }
}
