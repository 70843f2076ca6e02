using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>What leads a thread to the gate of a magazine cache, and what it leaves there.</summary>
public class MagazineVisitsTests
{
    private const int M = 3;

    /// <summary>A magazine that has to be made takes a second visit.</summary>
    [Fact]
    public void Each_visit_is_counted_and_each_thread_announced_once()
    {
        int woken = 0;
        MagazineCache<int> cache = new(M, woken: () => woken++);
        Check(0, 0);
        Assert.True(cache.TryReturn(1));
        Check(2, 1);
        Assert.True(cache.TryReturnLoaded(ThreadNumber.Current, 2) && cache.TryReturnLoaded(ThreadNumber.Current, 3));
        Check(2, 1);
        Assert.True(cache.TryReturn(4));
        Check(4, 1);
        Assert.True(cache.TryTakeLoaded(ThreadNumber.Current, out int taken) && taken == 4);
        Assert.True(cache.TryMakeReady());        // the previous one
        Check(4, 1);
        cache.PutBack([new Magazine<int>([7, 8, 9], M)]);
        Assert.Equal([3, 2, 1], Enumerable.Range(0, M).Select(_ => cache.TryTakeLoaded(ThreadNumber.Current, out int item) ? item : 0));
        Assert.True(cache.TryTake(out taken) && taken == 9);
        Check(5, 1);
        NumberedItems.OnNewThread(() => Assert.True(cache.TryReturn(5)));
        Assert.Equal(2, woken);

        void Check(int touches, int joined) => Assert.Equal((touches, joined), ((int)cache.Count().DepotTouches, woken));
    }

    [Fact]
    public void Room_in_the_previous_magazine_takes_no_visit()
    {
        NumberedItems items = new(M);
        int[] held = [.. Enumerable.Range(0, 2 * M).Select(_ => items.Take())];
        Array.ForEach(held, items.Return);
        Assert.Equal([6, 5, 4, 3], Enumerable.Range(0, M + 1).Select(_ => items.Take()));         // the previous one is loaded now
        Assert.True(items.Cache.TryReturnLoaded(ThreadNumber.Current, 3));
        long before = items.Count().DepotTouches;
        Assert.True(items.Cache.TryMakeRoom());
        Assert.Equal(before, items.Count().DepotTouches);
        Assert.True(items.Cache.TryReturnLoaded(ThreadNumber.Current, 4));
        Assert.Equal([1, 2, 3, 4], items.Contents().Order());
    }

    /// <summary>Others hold all there is: it is looked for once in a tick of the coarse clock.</summary>
    [Fact]
    public void What_threads_that_live_hold_is_not_taken()
    {
        NumberedItems items = new(M);
        using ManualResetEventSlim returned = new();
        using ManualResetEventSlim end = new();
        Thread other = new(() =>
        {
            items.Return(items.Take());
            returned.Set();
            end.Wait();
        });
        other.Start();
        returned.Wait(TestContext.Current.CancellationToken);
        for (int i = 0; i < 1_000; i++)
        {
            Assert.False(items.TryTake(out _));
        }

        Assert.True(items.Cache.MayHold);
        end.Set();
        other.Join();
        Assert.Equal([1], items.Contents());
    }

    [Fact]
    public void What_is_lent_stays_when_the_cache_is_opened_and_others_get_at_the_gate()
    {
        NumberedItems items = new(M);
        items.Claimed(static cache =>
        {
            cache.Close();
            return 0;
        });
        Assert.True(items.Cache.TryLend(7, 0, static (_, _) => true));
        NumberedItems.OnNewThread(() => Assert.Equal([7], items.Contents()));
        items.Cache.Open();
        Assert.True(items.Cache.TryReturn(9));
        NumberedItems.OnNewThread(() => Assert.Equal([7, 9], items.Contents()));
    }

    [Fact]
    public void An_empty_magazine_of_a_thread_goes_to_the_depot_when_the_cache_is_drained()
    {
        NumberedItems items = new(M);
        items.Return(items.Take());
        Assert.True(items.TryTake(out _));
        List<Magazine<int>> spilled = [];
        Drain(items, spilled);
        Assert.Empty(spilled);
        Assert.Equal(1, items.Count().EmptyMagazines);
        Assert.False(items.Cache.MayHold);
        items.Return(1);
        Drain(items, spilled);
        Assert.Equal([1], Assert.Single(spilled).Contents.ToArray());
        Assert.Equal(0, items.Count().EmptyMagazines);
    }

    [Fact]
    public void All_that_is_put_back_may_be_taken()
    {
        NumberedItems items = new(M);
        items.Cache.PutBack([new Magazine<int>([1, 2, 3], M), new Magazine<int>([4, 5, 6], M)]);
        Assert.True(items.Cache.MayHold);
        Assert.Equal(Enumerable.Range(1, 2 * M), Enumerable.Range(0, 2 * M).Select(_ => items.TryTake(out int item) ? item : 0).Order());
    }

    [Fact]
    public void Where_there_is_no_memory_nothing_is_taken_in()
    {
        NumberedItems items = new(M);
        Array.ForEach([.. Enumerable.Range(0, 2 * M).Select(_ => items.Take())], items.Return);
        using (GrowthFault.Inject(static () => true))
        {
            Assert.False(items.Cache.TryReturn(9) || items.Cache.TryMakeRoom());
        }

        Assert.Equal(Enumerable.Range(1, 2 * M), items.Contents().Order());
        Assert.True(items.Cache.TryReturn(9));
    }

    [Fact]
    public void A_previous_magazine_that_is_neither_full_nor_empty_is_found()
    {
        NumberedItems items = new(M);
        items.Return(items.Take());
        Assert.Throws<InvariantViolationException>(() => items.Claimed(static cache =>
        {
            cache.Of(ThreadNumber.Current)!.Previous = new Magazine<int>(new int[M], 1);
            cache.Validate();
            return 0;
        }));
    }

    private static void Drain(NumberedItems items, List<Magazine<int>> spilled) => items.Claimed(cache =>
    {
        cache.Drain(spilled);
        return 0;
    });
}
