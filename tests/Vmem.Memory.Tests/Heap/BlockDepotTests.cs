using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The stack of blocks between magazines. They are only numbers here.</summary>
public class BlockDepotTests
{
    [Fact]
    public void What_was_put_last_is_taken_first()
    {
        BlockDepot depot = new(most: 100);
        Assert.True(depot.TryPut([1, 2, 3]) && depot.TryPut([4, 5]));
        Assert.Equal([4, 5], Take(ref depot, 2));
        Assert.Equal([1, 2, 3], Take(ref depot, 10));
        Assert.Empty(Take(ref depot, 10));
        depot.Dispose();
    }

    [Fact]
    public void What_has_no_room_is_left_out_as_a_whole()
    {
        BlockDepot depot = new(most: 5);
        Assert.True(depot.TryPut([1, 2, 3]) && depot.TryPut([]));
        Assert.False(depot.TryPut([4, 5, 6]));
        Assert.Equal([1, 2, 3], depot.Contents.ToArray());
        Assert.True(depot.TryPut([4, 5]));
        Assert.False(depot.TryPut([6]));
        Assert.Equal([1, 2, 3, 4, 5], depot.Contents.ToArray());
        depot.Dispose();
    }

    [Fact]
    public void It_grows_up_to_its_bound_and_keeps_what_is_in_it()
    {
        const int Most = 1_000;
        BlockDepot depot = new(Most);
        nuint next = 0;
        while (depot.TryPut([next, next + 1, next + 2]))
        {
            next += 3;
        }

        Assert.Equal(Enumerable.Range(0, 999).Select(number => (nuint)number), depot.Contents.ToArray());
        depot.Dispose();
    }

    [Fact]
    public void It_grows_by_as_much_as_it_has()
    {
        BlockDepot depot = new(most: 1_000);
        int growths = 0;
        using (TableFaults.Inject(() => ++growths < 0))
        {
            foreach ((int blocks, int expected) in ((int, int)[])[(64, 1), (128, 2), (256, 3), (512, 4), (1_000, 5)])
            {
                while (depot.Contents.Length < blocks)
                {
                    Assert.True(depot.TryPut([5]));
                }

                Assert.Equal(expected, growths);
            }

            depot.Dispose();
            Assert.True(depot.TryPut(new nuint[100]));
            Assert.Equal(6, growths);
            Assert.True(depot.TryPut([5]) && depot.TryPut(new nuint[99]));
            Assert.Equal(7, growths);
        }

        depot.Dispose();
    }

    [Fact]
    public void It_gives_its_memory_back_only_when_it_is_empty()
    {
        BlockDepot depot = new(most: 100);
        _ = depot.TryPut([1, 2]);
        depot.Shrink();
        Assert.Equal([1, 2], Take(ref depot, 2));
        depot.Shrink();
        Assert.True(depot.TryPut([3]));
        Assert.Equal([3], depot.Contents.ToArray());
        depot.Dispose();
        depot.Dispose();
        Assert.True(depot.Contents.IsEmpty);
    }

    [Fact]
    public void One_that_cannot_grow_is_full()
    {
        BlockDepot depot = new(most: 1_000);
        Assert.True(depot.TryPut([1, 2, 3]));
        using (TableFaults.Inject(() => true))
        {
            Assert.False(depot.TryPut(new nuint[100]));
            Assert.Equal([1, 2, 3], depot.Contents.ToArray());
            Assert.True(depot.TryPut([4]));      // for which there is room
        }

        Assert.True(depot.TryPut(new nuint[100]));
        Assert.Equal(104, depot.Contents.Length);
        depot.Dispose();
    }

    /// <summary>Of a hundred, thirty were needed in the first whole interval, and none in the next.</summary>
    [Fact]
    public void What_nobody_needed_for_two_intervals_is_surplus()
    {
        BlockDepot depot = new(most: 100);
        _ = depot.TryPut(new nuint[100]);
        Assert.Equal(0, depot.Tick());
        _ = depot.TryPut(Take(ref depot, 30));
        Assert.Equal(0, depot.Tick());
        Assert.Equal(70, depot.Tick());
        Assert.Equal(70, Take(ref depot, 70).Length);
        Assert.Equal(30, depot.Tick());
        Assert.Equal(30, Take(ref depot, 100).Length);
        Assert.Equal(0, depot.Tick());
        depot.Dispose();
    }

    private static nuint[] Take(ref BlockDepot depot, int count)
    {
        var blocks = new nuint[count];
        return blocks[..depot.Take(blocks)];
    }
}
