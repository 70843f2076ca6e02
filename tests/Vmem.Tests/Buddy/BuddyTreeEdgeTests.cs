using System.Runtime.CompilerServices;
using Vmem.Buddy;
using Xunit;

namespace Vmem.Tests.Buddy;

/// <summary>The buddy tree alone at its limits: what it refuses, how many words it has, and blocks of the third level.</summary>
public sealed class BuddyTreeEdgeTests
{
    [Theory]
    [InlineData(0, 0, "units")]
    [InlineData(-5, 3, "units")]
    [InlineData(10, -1, "maxOrder")]
    [InlineData(1L << 37, 0, "units")]
    [InlineData((1L << 37) - 1, 0, "units")]
    public void What_no_tree_can_be_is_refused(long units, int maxOrder, string parameter) =>
        Assert.Equal(parameter, Assert.Throws<ArgumentOutOfRangeException>(() => new BuddyTree(units, maxOrder)).ParamName);

    /// <summary>Both keys, six words a level, three for two groups, and six for each node of marks.</summary>
    [Theory]
    [InlineData(1, 0, 1 + 6 + 3 + 6 + 1)]
    [InlineData(63 * 64, 0, 1 + 6 + (32 * 3) + 6 + 1)]
    [InlineData(64 * 64, 0, 1 + 6 + (32 * 3) + 6 + 1)]
    [InlineData((64 * 64) + 1, 0, 1 + 6 + (33 * 3) + (2 * 6) + 6 + 1)]
    [InlineData(64 * 64, 12, 1 + (3 * 6) + (32 * 3) + 6 + (2 * (3 + 6)) + 1)]
    public void It_has_no_more_words_than_its_groups_need(long units, int maxOrder, int words)
    {
        BuddyTree tree = new(units, maxOrder);
        Assert.Equal(words, tree.Bookkeeping.Length);
        int levels = tree.OrdersProvided / BuddyGroup.Orders;
        Assert.Equal((words * sizeof(ulong)) + (levels * Unsafe.SizeOf<BuddyLevel>()), tree.BookkeepingBytes);
    }

    [Theory]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(100)]
    public void Where_there_is_no_unit_there_is_no_block(long units)
    {
        BuddyTree tree = new(units, 6);
        foreach (long unit in (long[])[units, -1, long.MaxValue])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => tree.OrderOf(unit));
            Assert.False(tree.TryFind(unit, out long start, out int order, out bool isFree));
            Assert.Equal((0L, 0, false), (start, order, isFree));
        }
    }

    /// <summary>The second block of order 18 is cut down to one unit, which leaves a free one of each order behind.</summary>
    [Fact]
    public void Each_order_finds_what_a_cut_through_all_levels_has_left()
    {
        BuddyTree tree = new(1 << 19, 18);
        Assert.True(tree.TryTake(18, out long first));
        Assert.True(tree.TryTake(0, out long unit));
        Assert.Equal((0L, 1L << 18), (first, unit));
        for (int order = 17; order >= 0; order--)
        {
            Assert.True(tree.TryTake(order, out long half));
            Assert.Equal((1L << 18) + (1L << order), half);
        }

        Assert.Equal(-1, tree.LargestFreeOrder);
        tree.Validate();
    }

    /// <summary>Its buddy begins with a free block, but that is only a part of it.</summary>
    [Fact]
    public void A_block_does_not_grow_into_a_buddy_that_is_free_in_part()
    {
        BuddyTree tree = new(16, 4);
        Assert.True(tree.TryTake(3, out long block));
        Assert.True(tree.TryTake(1, out long front));
        Assert.True(tree.TryTake(1, out long behind));
        Assert.Equal((0L, 8L, 10L), (block, front, behind));
        tree.Give(front);
        Assert.False(tree.TryResize(block, 4));
        tree.Validate();
        tree.Give(behind);
        Assert.True(tree.TryResize(block, 4));
        Assert.Equal((0L, 1L), (tree.FreeUnits, tree.LiveBlocks));
        tree.Validate();
    }

    /// <summary>Units that end within a group: the last blocks of the lower level are as large as can be.</summary>
    [Theory]
    [InlineData(64 + 48, 6, new[] { 6, 5, 4 })]
    [InlineData((64 * 64) + 63, 12, new[] { 12, 5, 4, 3, 2, 1, 0 })]
    [InlineData((64 * 64) + 64 + 32, 12, new[] { 12, 6, 5 })]
    public void The_rest_is_cut_into_the_largest_blocks(long units, int maxOrder, int[] orders)
    {
        BuddyTree tree = new(units, maxOrder);
        long unit = 0;
        foreach (int order in orders)
        {
            Assert.Equal(order, tree.OrderOf(unit));
            unit += 1L << order;
        }

        Assert.Equal((units, orders.Length), (unit, (int)tree.FreeBlocks));
        tree.Validate();
    }
}
