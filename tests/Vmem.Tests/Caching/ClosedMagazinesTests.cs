using Vmem.Caching;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>A magazine cache that is closed, opened, emptied and ended, alone.</summary>
public class ClosedMagazinesTests
{
    private const int M = 3;

    [Fact]
    public void A_closed_cache_takes_nothing_in_until_it_is_opened()
    {
        NumberedItems items = Closed();
        Assert.True(items.Cache.IsClosed);
        Assert.False(items.Cache.TryReturn(9) || items.Cache.TryMakeRoom() || items.Cache.TryReturnLoaded(ThreadNumber.Current, 9));
        Assert.False(items.TryTake(out _) || items.Cache.TryMakeReady() || items.Cache.MayHold);
        items.Cache.Open();
        Assert.False(items.Cache.IsClosed);
        Assert.True(items.Cache.TryReturn(9) && items.Cache.MayHold);
        Assert.Equal([9], items.Contents());
    }

    [Fact]
    public void An_open_cache_lends_nothing()
    {
        NumberedItems items = new(M);
        Assert.False(items.Cache.TryLend(7, 0, static (_, _) => throw new InvalidOperationException("It is not to be asked.")));
        Assert.Empty(items.Contents());
    }

    [Fact]
    public void A_closed_cache_keeps_what_it_lends_and_no_more_than_there_is_room_for()
    {
        NumberedItems items = Closed();
        foreach (int item in (int[])[7, 8, 9])
        {
            Assert.True(items.Cache.TryLend(item, 40, (state, lent) => state == 40 && lent == item));
            Assert.True(items.Cache.MayHold);
        }

        Assert.False(items.Cache.TryLend(10, 0, static (_, _) => throw new InvalidOperationException("It is not to be asked.")));
        Assert.Equal([7, 8, 9], items.Contents());
        Assert.True(items.TryTake(out int taken) && taken == 9);
        Assert.True(items.Cache.TryLend(11, 0, static (_, _) => true));
        Assert.Equal([7, 8, 11], items.Contents());
    }

    [Fact]
    public void What_may_not_be_lent_leaves_no_trace()
    {
        NumberedItems items = Closed();
        Assert.False(items.Cache.TryLend(7, 0, static (_, _) => false));
        Assert.False(items.Cache.MayHold);
        Assert.Empty(items.Contents());
        int empty = items.Count().EmptyMagazines;
        Assert.False(items.Cache.TryLend(7, 0, static (_, _) => false));
        Assert.Equal(empty, items.Count().EmptyMagazines);
        Assert.True(items.Cache.TryLend(7, 0, static (_, _) => true));
        Assert.False(items.Cache.TryLend(8, 0, static (_, _) => false));
        Assert.True(items.Cache.MayHold);
        Assert.Equal([7], items.Contents());
    }

    /// <summary>The magazine that is lent with may have had other items before.</summary>
    [Fact]
    public void Only_what_was_lent_can_be_put_back()
    {
        NumberedItems items = Closed();
        Assert.True(items.Cache.TryLend(70, 0, static (_, _) => true));
        ThreadMagazines<int> mine = items.Cache.Of(ThreadNumber.Current)!;
        Assert.Equal(M, mine.Loaded.Items.Length);
        for (int item = 1; item <= items.Made; item++)
        {
            Assert.False(mine.TryPutBack(default(Unguarded<int>), item));
        }

        Assert.True(items.TryTake(out _));
        Assert.True(mine.TryPutBack(default(Unguarded<int>), 70));
    }

    [Fact]
    public void An_ended_cache_has_nothing_and_takes_nothing_in()
    {
        NumberedItems items = Filled();
        items.Claimed(static cache =>
        {
            cache.End();
            return 0;
        });
        Assert.True(items.Cache.IsClosed && !items.Cache.MayHold);
        Assert.False(items.TryTake(out _) || items.Cache.TryReturn(9));
        MagazineFigures figures = items.Count();
        Assert.Equal((0L, 0, 0), (figures.Items, figures.FullMagazines, figures.EmptyMagazines));
    }

    [Fact]
    public void It_knows_what_lies_in_it_wherever_that_is()
    {
        NumberedItems items = Filled();
        Assert.All(Enumerable.Range(1, items.Made), item => Assert.True(items.Claimed(cache => cache.Contains(item))));
        Assert.False(items.Claimed(cache => cache.Contains(items.Made + 1)));
        Assert.True(items.TryTake(out int taken));
        Assert.False(items.Claimed(cache => cache.Contains(taken)));
    }

    [Fact]
    public void The_depot_is_emptied_and_a_thread_keeps_what_it_has()
    {
        NumberedItems items = Filled();
        MagazineFigures before = items.Count();
        Assert.True(before.FullMagazines >= 2);
        List<Magazine<int>> spilled = [];
        items.Cache.DrainDepot(spilled);
        Assert.Equal(before.FullMagazines, spilled.Count);
        Assert.Equal(before.Items - (M * spilled.Count), items.Count().Items);
        Assert.Equal(
            Enumerable.Range(1, items.Made),
            items.Contents().Concat(spilled.SelectMany(magazine => magazine.Contents.ToArray())).Order());
        items.Cache.PutBack(spilled);
        Assert.Equal(before.Items, items.Count().Items);
    }

    [Fact]
    public void Empty_magazines_are_forgotten_and_full_ones_not()
    {
        NumberedItems items = Filled();
        for (int i = 0; i < 4 * M; i++)
        {
            Assert.True(items.TryTake(out _));
        }

        MagazineFigures before = items.Count();
        Assert.True(before.EmptyMagazines > 0 && before.Items > 0);
        items.Cache.DropEmpty();
        Assert.Equal(before with { EmptyMagazines = 0 }, items.Count());
    }

    [Fact]
    public void What_is_put_back_may_be_held_from_then_on()
    {
        NumberedItems items = new(M);
        Assert.False(items.Cache.HoldsAnything);
        items.Cache.PutBack([]);
        Assert.False(items.Cache.MayHold || items.Cache.HoldsAnything);
        items.Cache.PutBack([new Magazine<int>(new int[M], 0)]);
        Assert.False(items.Cache.MayHold);
        Assert.True(items.Cache.HoldsAnything);
        items.Cache.PutBack([new Magazine<int>([5, 6, 0], 2), new Magazine<int>(new int[M], 0)]);
        Assert.True(items.Cache.MayHold);
        Assert.Equal([5, 6], items.Contents().Order());
        Assert.True(items.TryTake(out int taken) && taken == 6);
    }

    [Fact]
    public void A_thread_that_does_nothing_for_an_interval_loses_its_magazines_and_no_item()
    {
        NumberedItems items = Filled();
        int[] all = [.. Enumerable.Range(1, items.Made)];
        Assert.True(items.TryTake(out int taken));
        items.Return(taken);
        long before = items.Count().Taken;
        Assert.Empty(items.Tick());
        Assert.Equal(1, items.Count().Threads);
        List<int> spilled = items.Tick();         // nothing was done in between
        Assert.Equal(0, items.Count().Threads);
        Assert.Null(items.Cache.Of(ThreadNumber.Current));
        Assert.Equal(all, items.Contents().Concat(spilled).Order());
        Assert.Equal(before, items.Count().Taken);
    }

    private static NumberedItems Filled()
    {
        NumberedItems items = new(M);
        Array.ForEach([.. Enumerable.Range(0, (5 * M) + 1).Select(_ => items.Take())], items.Return);
        Assert.Equal(items.Made, items.Count().Items);
        return items;
    }

    /// <summary>Drained and closed, with empty magazines in which something lay.</summary>
    private static NumberedItems Closed()
    {
        NumberedItems items = Filled();
        List<Magazine<int>> spilled = [];
        items.Claimed(cache =>
        {
            cache.Drain(spilled);
            cache.Close();
            return 0;
        });
        items.Cache.PutBack([.. spilled.Select(static magazine => magazine with { Rounds = 0 })]);
        return items;
    }
}
