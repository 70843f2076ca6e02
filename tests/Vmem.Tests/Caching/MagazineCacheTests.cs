using Vmem.Caching;
using Vmem.Testing.Generation;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Tests.Caching;

public class MagazineCacheTests
{
    private const int M = 15;

    /// <summary>The paper, §3.2: with one magazine a loop of two allocations and two frees could go to the depot every other
    /// time.</summary>
    [Fact]
    public void Two_takes_and_two_returns_in_a_loop_do_not_go_to_the_depot()
    {
        const int Loops = 1_000;
        for (int fill = 0; fill <= 2 * M; fill++)
        {
            NumberedItems items = new(M);
            int[] held = [.. Enumerable.Range(0, fill).Select(_ => items.Take())];
            Array.ForEach(held, items.Return);
            TwoAndTwo(items);
            long before = items.Count().DepotTouches;
            for (int i = 0; i < Loops; i++)
            {
                TwoAndTwo(items);
            }

            Assert.InRange(items.Count().DepotTouches - before, 0, 4 * Loops / M);
            Assert.Equal(Math.Max(2, fill), items.Contents().Distinct().Count());
        }
    }

    /// <summary>M operations at least lie between two visits, whatever the sequence, while the depot can serve.</summary>
    [Fact]
    public void No_sequence_goes_to_the_depot_more_often_than_every_Mth_time()
    {
        SeededRandom random = new(7);
        for (int run = 0; run < 20; run++)
        {
            NumberedItems items = new(M);
            int[] stock = [.. Enumerable.Range(0, 100 * M).Select(_ => items.Take())];
            Array.ForEach(stock, items.Return);
            Stack<int> held = new();
            long before = items.Count().DepotTouches;
            const int Operations = 20_000;
            for (int i = 0; i < Operations;)
            {
                int burst = 1 + random.Below(run < 10 ? 4 : 3 * M);
                bool take = held.Count < burst || (random.Below(2) == 0 && held.Count < 50 * M);
                for (int k = 0; k < burst; k++, i++)
                {
                    if (take)
                    {
                        held.Push(items.Take());
                    }
                    else
                    {
                        items.Return(held.Pop());
                    }
                }
            }

            // A magazine that has to be made takes a second visit; there are 50 at most.
            Assert.InRange(items.Count().DepotTouches - before, 0, (Operations / M) + 50);
            Assert.Equal(100 * M, items.Made);
        }
    }

    [Fact]
    public void A_thread_that_only_takes_makes_no_magazine()
    {
        NumberedItems items = new(M);
        for (int i = 0; i < 10 * M; i++)
        {
            items.Take();
        }

        MagazineFigures figures = items.Count();
        Assert.Equal((0, 0, 0L), (figures.EmptyMagazines, figures.FullMagazines, figures.Items));
    }

    [Fact]
    public void Empty_magazines_are_made_by_returning_as_many_as_are_needed()
    {
        NumberedItems items = new(M);
        int[] held = [.. Enumerable.Range(0, 10 * M).Select(_ => items.Take())];
        Array.ForEach(held, items.Return);
        Assert.Equal((8, 0), (items.Count().FullMagazines, items.Count().EmptyMagazines));
        for (int i = 0; i < 10 * M; i++)
        {
            items.Take();
        }

        // Two stay with the thread.
        Assert.Equal((0, 8), (items.Count().FullMagazines, items.Count().EmptyMagazines));
    }

    [Fact]
    public void Nothing_makes_garbage_after_warm_up()
    {
        NumberedItems items = new(M);
        int[] held = new int[10 * M];
        Assert.Equal(0, Garbage.Of(20, () =>
        {
            for (int i = 0; i < held.Length; i++)
            {
                held[i] = items.Take();
            }

            foreach (int item in held)
            {
                items.Return(item);
            }
        }));
    }

    [Fact]
    public void Everything_that_is_drained_was_there_once()
    {
        NumberedItems items = new(M);
        NumberedItems.OnNewThread(() => Array.ForEach([.. Enumerable.Range(0, 40).Select(_ => items.Take())], items.Return));
        Array.ForEach([.. Enumerable.Range(0, 50).Select(_ => items.Take())], items.Return);
        List<Magazine<int>> spilled = [];
        items.Claimed(cache =>
        {
            cache.Drain(spilled);
            return 0;
        });
        Assert.Equal(Enumerable.Range(1, items.Made), spilled.SelectMany(magazine => magazine.Contents.ToArray()).Order());
        Assert.Empty(items.Contents());
        Assert.False(items.TryTake(out _));
    }

    private static void TwoAndTwo(NumberedItems items)
    {
        int one = items.Take();
        int two = items.Take();
        items.Return(one);
        items.Return(two);
    }
}
