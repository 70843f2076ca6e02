using Vmem.Caching;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Caching;

public class DepotTests
{
    private const int M = 4;
    private int _next;

    [Fact]
    public void Full_magazines_come_out_last_in_first_and_the_partial_one_last()
    {
        Depot<int> depot = new();
        depot.Pour(Make(2), M);
        depot.PutFull(Make(M));
        depot.PutFull(Make(M));
        Assert.Equal(10, depot.Rounds);
        Assert.True(depot.TryTakeFull(out Magazine<int> first));
        Assert.Equal([7, 8, 9, 10], first.Contents.ToArray());
        Assert.True(depot.TryTakeFull(out _));
        Assert.True(depot.TryTakeFull(out Magazine<int> partial));
        Assert.Equal([1, 2], partial.Contents.ToArray());
        Assert.False(depot.TryTakeFull(out _));
    }

    [Fact]
    public void Empty_magazines_of_a_former_size_are_dropped()
    {
        Depot<int> depot = new();
        depot.PutEmpty(new Magazine<int>(new int[M], 0), M);
        depot.PutEmpty(new Magazine<int>(new int[M + 1], 0), M);
        Assert.Equal(1, depot.EmptyMagazines);
        Assert.False(depot.TryTakeEmpty(M + 1, out _));
        Assert.Equal(0, depot.EmptyMagazines);
    }

    /// <summary>Whatever the sizes and fills: nothing is lost, all but one magazine are full.</summary>
    [Fact]
    public void What_is_poured_in_comes_out_in_full_magazines_but_for_one()
    {
        SeededRandom random = new(1);
        for (int run = 0; run < 200; run++)
        {
            Depot<int> depot = new();
            _next = 0;
            for (int i = 0; i < 20; i++)
            {
                int capacity = random.Below(4) == 0 ? 7 : M;
                depot.Pour(Make(random.Below(capacity + 1), capacity), M);
                depot.Validate();
            }

            List<int> copies = [];
            depot.CopyTo(copies);
            Assert.Equal(Enumerable.Range(1, _next), copies.Order());
            List<Magazine<int>> spilled = [];
            depot.Drain(spilled);
            Assert.Equal(Enumerable.Range(1, _next), spilled.SelectMany(magazine => magazine.Contents.ToArray()).Order());
            Assert.True(spilled.Count(magazine => !magazine.IsFull) <= 1);
            Assert.Equal(0, depot.Rounds);
        }
    }

    [Fact]
    public void The_magazines_that_an_interval_did_not_need_leave_at_its_end()
    {
        Depot<int> depot = new();
        for (int i = 0; i < 47; i++)
        {
            depot.PutFull(Make(M));
        }

        Assert.Equal(0, Tick(depot));
        TakeAndPutBack(depot, 10);
        Assert.Equal(0, Tick(depot));
        TakeAndPutBack(depot, 10);
        Assert.Equal(37, Tick(depot));
        Assert.Equal(10, depot.FullMagazines);
        depot.Validate();
    }

    [Fact]
    public void The_empty_magazines_that_an_interval_did_not_need_leave_too()
    {
        Depot<int> depot = new();
        for (int i = 0; i < 47; i++)
        {
            depot.PutEmpty(new Magazine<int>(new int[M], 0), M);
        }

        for (int interval = 0; interval < 3; interval++)
        {
            Tick(depot);
            Magazine<int>[] taken = new Magazine<int>[10];
            for (int i = 0; i < taken.Length; i++)
            {
                Assert.True(depot.TryTakeEmpty(M, out taken[i]));
            }

            Array.ForEach(taken, empty => depot.PutEmpty(empty, M));
        }

        Assert.Equal(10, depot.EmptyMagazines);
    }

    /// <summary>The magazine that was poured out is kept as an empty one.</summary>
    [Fact]
    public void Objects_that_were_poured_over_are_not_kept_alive_where_they_were()
    {
        Depot<object> depot = new();
        object[] first = [new(), new(), null!, null!];
        object[] second = [new(), new(), null!, null!];
        depot.Pour(new Magazine<object>(first, 2), M);
        depot.Pour(new Magazine<object>(second, 2), M);
        Assert.Equal(4, depot.Rounds);
        Assert.All(second, Assert.Null);
    }

    [Fact]
    public void It_knows_what_lies_in_any_of_its_magazines()
    {
        Depot<int> depot = new();
        depot.PutFull(Make(M));
        depot.PutFull(Make(M));
        depot.Pour(Make(2), M);
        Assert.All(Enumerable.Range(1, 10), item => Assert.True(depot.Contains(item)));
        Assert.False(depot.Contains(11));
    }

    private static int Tick(Depot<int> depot)
    {
        List<Magazine<int>> spilled = [];
        depot.Tick(spilled);
        return spilled.Count;
    }

    private static void TakeAndPutBack(Depot<int> depot, int count)
    {
        Magazine<int>[] taken = new Magazine<int>[count];
        for (int i = 0; i < count; i++)
        {
            Assert.True(depot.TryTakeFull(out taken[i]));
        }

        Array.ForEach(taken, depot.PutFull);
    }

    private Magazine<int> Make(int rounds, int capacity = M)
    {
        int[] items = new int[capacity];
        for (int i = 0; i < rounds; i++)
        {
            items[i] = ++_next;
        }

        return new Magazine<int>(items, rounds);
    }
}
