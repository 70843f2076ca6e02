using Vmem.Buddy;
using Vmem.Testing.Buddy;
using Xunit;

namespace Vmem.Tests.Buddy;

/// <summary>Many groups with free blocks of one order: which is first, and which comes next, over one to three rows of marks.</summary>
public sealed class BuddyTreeIndexTests
{
    /// <summary>Units, the largest order, and how many groups of it there are: up to 64, to 4,096 and beyond.</summary>
    public static TheoryData<long, int> Shapes => new()
    {
        { 64, 0 },
        { 64 * 2, 5 },
        { (64 * 64) - 1, 0 },
        { (64 * 130) + 37, 0 },
        { (64 * 130) + 37, 5 },
        { 64 * 4_200, 5 },
        { (4_096 * 130) + 999, 11 },
        { (4_096 * 3) + 4_095, 6 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_new_tree_is_cut_into_the_largest_blocks(long units, int order)
    {
        BuddyTree tree = new(units, order);
        BuddyModel model = new(units, order);
        for (int round = 0; round < 2; round++)
        {
            AssertSame(model, tree);
            long[] taken = new long[(units >> order) + 1];
            int count = tree.TakeMany(order, taken);
            Assert.Equal(units >> order, count);
            Assert.All(taken.Take(count), (unit, i) => Assert.Equal((long)i << order, unit));
            Assert.False(tree.TryTake(order, out _));
            Assert.Equal((units & ((1L << order) - 1), (long)count), (tree.FreeUnits, tree.LiveBlocks));
            tree.Validate();
            tree.Reset();
            tree.Validate();
        }
    }

    /// <summary>Everything is taken. Blocks of a few groups come back, in no order, and are taken again: the lowest first.</summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_lowest_group_is_first_in_whatever_order_they_come_back(long units, int order)
    {
        BuddyTree tree = new(units, order);
        long blocks = units >> order;
        long inGroup = 64 >> (order % 6);
        Assert.Equal(blocks, tree.TakeMany(order, new long[blocks]));
        long groups = blocks / inGroup;
        long[] all = [129, 64, 0, 63, 1, 128, 65, 127, 4_199, 4_095, 4_096, 4_160, 2, 4_097];
        long[] some = [.. all.Where(group => group < groups)];
        foreach (long[] back in (long[][])[some, [.. some.Reverse()], [.. some.Order()], [.. some.OrderDescending()]])
        {
            foreach (long group in back)
            {
                tree.Give((group * inGroup) << order);
            }

            tree.Validate();
            foreach (long group in back.Order())
            {
                Assert.True(tree.TryTake(order, out long unit));
                Assert.Equal((group * inGroup) << order, unit);
            }

            Assert.False(tree.TryTake(order, out _));
        }
    }

    /// <summary>The groups that stay are the odd ones; then every fourth of them comes back, and every third goes.</summary>
    [Fact]
    public void Groups_come_and_go_among_thousands()
    {
        const int Units = 64 * 4_200;
        BuddyTree tree = new(Units, 5);
        BuddyModel model = new(Units, 5);
        long[] blocks = new long[Units / 32];
        Assert.Equal(blocks.Length, tree.TakeMany(5, blocks));
        Assert.All(blocks, unit => Assert.Equal(unit, model.Take(5)));
        foreach (int step in (int[])[2, 7, 64, 63])
        {
            for (int i = blocks.Length - step; i >= 0; i -= step)
            {
                if (model.Give(blocks[i]))
                {
                    tree.Give(blocks[i]);
                }
            }

            Assert.Equal((model.FreeBlocks, model.FreeUnits), (tree.FreeBlocks, tree.FreeUnits));
            for (int i = 0; i < 200; i++)
            {
                Assert.True(tree.TryTake(5, out long unit));
                Assert.Equal(model.Take(5), unit);
            }

            tree.Validate();
        }

        while (model.Take(5) is var expected and >= 0)
        {
            Assert.True(tree.TryTake(5, out long unit));
            Assert.Equal(expected, unit);
        }

        Assert.False(tree.TryTake(5, out _));
        Assert.Equal(-1, tree.LargestFreeOrder);
    }

    /// <summary>Over one level, from one into another, and over two of them.</summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(5, 0)]
    [InlineData(5, 4)]
    [InlineData(6, 5)]
    [InlineData(6, 6)]
    [InlineData(7, 0)]
    [InlineData(11, 6)]
    [InlineData(12, 5)]
    [InlineData(13, 0)]
    [InlineData(13, 12)]
    public void A_block_becomes_smaller_and_as_large_again(int from, int to)
    {
        const int Units = 1 << 14;
        BuddyTree tree = new(Units, 13);
        BuddyModel model = new(Units, 13);
        Assert.Equal(0, model.Take(13));
        Assert.True(tree.TryTake(13, out _));
        Assert.Equal(model.Take(from), Take(from));
        long unit = 1 << 13;
        Resize(to, isDone: true);
        Resize(from, isDone: true);
        Resize(14, isDone: false);
        Resize(to, isDone: true);
        long between = Take(0);
        Assert.Equal(between, model.Take(0));
        Resize(from, isDone: from == to || between >= unit + (1L << from));
        tree.Give(between);
        Assert.True(model.Give(between));
        Resize(from, isDone: true);

        long Take(int order)
        {
            Assert.True(tree.TryTake(order, out long taken));
            return taken;
        }

        void Resize(int order, bool isDone)
        {
            Assert.Equal(isDone, model.Resize(unit, order));
            Assert.Equal(isDone, tree.TryResize(unit, order));
            AssertSame(model, tree);
            tree.Validate();
        }
    }

    /// <summary>The bookkeeping lies in one array.</summary>
    [Theory]
    [InlineData(1, 0, true)]
    [InlineData(80_000_000_000, 0, true)]
    [InlineData(80_000_000_000, 40, true)]
    [InlineData((1L << 37) - 1, 0, false)]
    [InlineData(1L << 37, 37, false)]
    [InlineData(long.MaxValue, 62, false)]
    public void More_units_than_one_array_keeps_the_books_of_are_too_many(long units, int order, bool fits) =>
        Assert.Equal(fits, BuddyTree.CanHold(units, order));

    private static void AssertSame(BuddyModel model, BuddyTree tree)
    {
        Assert.Equal((model.FreeOrders, model.FreeUnits, model.FreeBlocks, model.LargestFreeOrder, model.Live.Count),
            (tree.FreeOrders, tree.FreeUnits, tree.FreeBlocks, tree.LargestFreeOrder, (int)tree.LiveBlocks));
        foreach ((long start, int order, bool isFree) in model.Blocks())
        {
            foreach (long unit in (long[])[start, start + (1L << order) - 1])
            {
                Assert.True(tree.TryFind(unit, out long found, out int foundOrder, out bool foundFree));
                Assert.Equal((start, order, isFree), (found, foundOrder, foundFree));
            }

            Assert.Equal(order, tree.OrderOf(start));
        }

        Assert.False(tree.TryFind(tree.Units, out _, out _, out _));
        Assert.False(tree.TryFind(-1, out _, out _, out _));
    }
}
