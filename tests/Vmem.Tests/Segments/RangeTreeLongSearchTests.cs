using Vmem.Checks;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Searches by key and value at once: what they find, in how many turns, and what the bounds save them.</summary>
public sealed class RangeTreeLongSearchTests
{
    private const int Width = 32;
    private const int Count = 100 * Width;        // under nodes of 31, 31, 31 and 7 leaves

    /// <summary>Values that rise or fall with the keys, come again and again, or differ by thousands.</summary>
    [Theory]
    [InlineData(Count, 0)]
    [InlineData(Count, 1)]
    [InlineData(Count, 2)]
    [InlineData(Count, 3)]
    [InlineData(40_000, 0)]
    [InlineData(40_000, 1)]
    [InlineData(40_000, 2)]
    public void The_least_within_is_that_of_a_list(int count, int kind)
    {
        RangeTree<uint, ByKey<uint>> tree = new(TreeExtras.Bounds);
        (uint Value, uint Key)[] entries = [.. Enumerable.Range(0, count).Select(i => (ValueOf(i, count, kind), (uint)(2 * i)))];
        foreach ((uint value, uint key) in entries)
        {
            tree.Reserve(1);
            tree.Insert(key, value, key + 1);
        }

        SeededRandom random = new((ulong)(count + kind));
        for (int query = 0; query < 150; query++)
        {
            (uint floor, uint after) = entries[random.Below(count)];
            uint from = query % 3 == 0 ? 0 : (uint)random.Below(2 * count);
            uint to = query % 5 == 0 ? after : from + (uint)random.Below(2 * count);
            (floor, after) = query % 4 == 0 ? (0, 0) : (floor + (uint)random.Below(2), after + (uint)random.Below(2));
            (uint Value, uint Key) expected = entries
                .Where(entry => entry.Key >= from && entry.Key <= to && entry.CompareTo((floor, after)) >= 0)
                .DefaultIfEmpty().Min();
            var search = new RangeTree<uint, ByKey<uint>>.LeastWithin(from, to, floor, after);
            while (!tree.TryFinish(ref search, nodes: 4 + random.Below(60)))
            {
            }

            Assert.Equal(expected != default, search.IsFound);
            if (search.IsFound)
            {
                Assert.Equal((expected.Value, expected.Key, expected.Key + 1), (search.Value, search.Key, search.Item));
            }
        }

        tree.Validate((_, _, _) => { });
        tree.Release();
    }

    [Theory]
    [InlineData(0u, 100u)]
    [InlineData(7u, 6u)]
    public void In_an_empty_tree_or_window_there_is_nothing(uint from, uint to)
    {
        RangeTree<uint, ByKey<uint>> tree = new(TreeExtras.Bounds | TreeExtras.Sums);
        Assert.Equal((0u, 0u), (tree.Total, tree.SumBelow(50)));
        var search = new RangeTree<uint, ByKey<uint>>.LeastWithin(from, to, 0, 0);
        Assert.True(tree.TryFinish(ref search, nodes: 1));
        Assert.False(search.IsFound);
        if (from > to)
        {
            tree.Reserve(1);
            tree.Insert(7, 1, 1);
            Assert.True(tree.TryFinish(ref search, nodes: 1));
            Assert.False(search.IsFound);
        }

        tree.Release();
    }

    /// <summary>The bounds of the first node above the leaves answer, and one of its leaves is looked at.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    public void What_lies_wholly_in_the_window_is_answered_by_its_bounds(uint floor)
    {
        RangeTree<uint, ByKey<uint>> tree = new(TreeExtras.Bounds);
        Fill(tree, static key => key + 1);
        var search = new RangeTree<uint, ByKey<uint>>.LeastWithin(0, uint.MaxValue, floor, 0);
        Assert.Equal(2, Steps(() => tree.TryFinish(ref search, nodes: 10)));
        Assert.Equal((1u, 0u), (search.Value, search.Key));
        tree.Release();
    }

    /// <summary>Every leaf has values on both sides of the floor, and each has a better one. A turn of 33 nodes is the root, a node and its
    /// 31 leaves; another node begins a turn only if something is left.</summary>
    [Theory]
    [InlineData(2, 4)]
    [InlineData(33, 4)]
    [InlineData(34, 2)]
    [InlineData(1_000, 1)]
    public void A_long_search_for_the_least_is_made_in_turns(int nodes, int turns)
    {
        RangeTree<uint, ByKey<uint>> tree = new(TreeExtras.Bounds);
        Fill(tree, static key => key % 2 == 0 ? 1 : 10_000 - key);
        var search = new RangeTree<uint, ByKey<uint>>.LeastWithin(0, uint.MaxValue, 500, 0);
        Assert.Equal(turns, Turns(() => tree.TryFinish(ref search, nodes)));
        Assert.Equal((10_000u - (Count - 1), Count - 1u), (search.Value, search.Key));
        tree.Release();
    }

    /// <summary>A tree without bounds has every leaf visited.</summary>
    [Theory]
    [InlineData(1, 4)]
    [InlineData(33, 4)]
    [InlineData(34, 2)]
    [InlineData(1_000, 1)]
    public void A_long_search_for_the_first_is_made_in_turns(int nodes, int turns)
    {
        RangeTree<uint, ByKeyThenValue<uint>> tree = new();
        Fill(tree, static key => key);
        var search = new RangeTree<uint, ByKeyThenValue<uint>>.FirstWithin(0, 0, Count - 1, Count);
        Assert.Equal(turns, Turns(() => tree.TryFinish(ref search, nodes)));
        Assert.Equal((true, Count - 1u), (search.IsFound, search.Found.Value));
        tree.Release();
    }

    /// <summary>The root, the node, and up to 31 leaves.</summary>
    [Fact]
    public void Bounds_leave_out_what_cannot_have_it()
    {
        RangeTree<uint, ByKeyThenValue<uint>> tree = new(TreeExtras.Bounds);
        Fill(tree, static key => key);
        foreach (uint value in (uint[])[0, 991, 992, 2_000, Count - 1])
        {
            var search = new RangeTree<uint, ByKeyThenValue<uint>>.FirstWithin(0, 0, value, value);
            long steps = Steps(() => tree.TryFinish(ref search, nodes: 1_000));
            Assert.Equal(1 + 1 + (value % (31 * Width) / Width) + 1, steps);
            Assert.Equal((true, value), (search.IsFound, search.Found.Key));
        }

        tree.Release();
    }

    /// <summary>Four large values came and went, and the bounds are as wide as before. A search that finds nothing between them makes them
    /// exact, but for those on the way to where it begins.</summary>
    [Fact]
    public void A_search_in_vain_makes_bounds_exact()
    {
        RangeTree<uint, ByKeyThenValue<uint>> tree = new(TreeExtras.Bounds);
        Fill(tree, static key => key);
        foreach (uint key in (uint[])[5, 1_005, 2_005, 3_005])
        {
            tree.Reserve(1);
            tree.Insert(key, 10_000, 1);
            tree.Remove(key, 10_000);
        }

        tree.Validate((_, _, _) => { });
        Assert.True(StepsInVain() > 100);
        Assert.Equal(1 + 1 + 32, StepsInVain());  // one of the 31 leaves was divided
        tree.Validate((_, _, _) => { });
        tree.Release();

        long StepsInVain()
        {
            var search = new RangeTree<uint, ByKeyThenValue<uint>>.FirstWithin(0, 0, 9_000, 11_000);
            long steps = Steps(() => tree.TryFinish(ref search, nodes: 1_000));
            Assert.False(search.IsFound);
            return steps;
        }
    }

    private static uint ValueOf(int i, int count, int kind) => kind switch
    {
        0 => (uint)(i + 1),
        1 => (uint)(count - i),
        2 => (uint)(1 + (i / 300 * 7_919 % 1_000)),
        _ => (uint)(1 + (i % 3 * 5_000) + (i / 500)),
    };

    private static void Fill<TOrder>(RangeTree<uint, TOrder> tree, Func<uint, uint> valueOf)
        where TOrder : IRangeOrder<uint>
    {
        for (uint key = 0; key < Count; key++)
        {
            tree.Reserve(1);
            tree.Insert(key, valueOf(key), key + 1);
        }
    }

    private static int Turns(Func<bool> isOver)
    {
        int turns = 1;
        for (; !isOver(); turns++)
        {
            Assert.True(turns < 10_000, "A search does not get on.");
        }

        return turns;
    }

    private static long Steps(Func<bool> search)
    {
        _ = StepCounter.Take();
        Assert.True(search());
        return StepCounter.Take();
    }
}
