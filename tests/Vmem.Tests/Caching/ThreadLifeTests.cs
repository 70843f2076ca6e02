using Vmem.Caching;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Threads that come, idle, and end.</summary>
[Collection(nameof(Alone))]
public class ThreadLifeTests
{
    private const int M = 15;

    [Fact]
    public void What_an_ended_thread_held_can_be_taken_by_others()
    {
        NumberedItems items = new(M);
        NumberedItems.OnNewThread(() => Array.ForEach([.. Enumerable.Range(0, 2 * M).Select(_ => items.Take())], items.Return));

        // The dead are looked for at most once in a tick of this clock.
        long tick = Environment.TickCount64;
        SpinWait.SpinUntil(() => Environment.TickCount64 != tick);
        for (int i = 0; i < 2 * M; i++)
        {
            Assert.True(items.TryTake(out _), $"item {i} was lost with its thread");
        }

        Assert.Equal(2 * M, items.Made);
    }

    [Fact]
    [Trait("Once", "Release")]
    public void Ten_thousand_short_threads_leave_the_numbers_the_pairs_the_items_and_the_memory_as_they_were()
    {
        NumberedItems items = new(M);
        int highest = 0;
        void Live()
        {
            int one = items.Take();
            int two = items.Take();
            items.Return(one);
            items.Return(two);
            highest = Math.Max(highest, ThreadNumber.Current);
        }

        long before = 0;
        int highestBefore = 0;
        for (int i = 0; i < 10_000; i++)
        {
            if (i == 1_000)
            {
                before = GC.GetTotalMemory(forceFullCollection: true);
                highestBefore = highest;
            }

            NumberedItems.OnNewThread(Live);
        }

        // Others have threads and memory, too; but none that grow with this loop.
        Assert.InRange(highest, 1, highestBefore + 100);
        Assert.InRange(items.Count().Threads, 1, highestBefore + 100);
        Assert.InRange(items.Made, 2, 1_000);    // of 20,000: the dead are looked for once in a tick of the coarse clock
        Assert.Equal(items.Made, items.Contents().Distinct().Count());
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 64L << 20);
    }

    [Fact]
    public void An_idle_thread_gives_what_it_holds_to_the_depot()
    {
        NumberedItems items = new(M);
        using ManualResetEventSlim returned = new();
        using ManualResetEventSlim end = new();
        Thread idle = new(() =>
        {
            Array.ForEach([.. Enumerable.Range(0, M + 4).Select(_ => items.Take())], items.Return);
            returned.Set();
            end.Wait();
        });
        idle.Start();
        returned.Wait(TestContext.Current.CancellationToken);
        Assert.False(items.TryTake(out _));
        items.Tick();
        Assert.False(items.TryTake(out _));
        items.Tick();
        for (int i = 0; i < M + 4; i++)
        {
            Assert.True(items.TryTake(out _));
        }

        end.Set();
        idle.Join();
    }

    /// <summary>Ended or not: what a thread had is gone two intervals after it did anything, and the counts go on as they were.</summary>
    [Fact]
    public void Nothing_is_left_of_threads_that_do_nothing()
    {
        const int Threads = 500;
        NumberedItems items = new(M);
        using Barrier all = new(Threads + 1);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
        {
            items.Return(items.Take());
            all.SignalAndWait();
        }, maxStackSize: 256 * 1_024))];
        Array.ForEach(threads, thread => thread.Start());
        all.SignalAndWait(TestContext.Current.CancellationToken);
        Array.ForEach(threads, thread => thread.Join());
        MagazineFigures before = items.Count();
        Assert.InRange(before.Threads, 1, Threads);
        items.Tick();
        items.Tick();
        MagazineFigures after = items.Count();
        Assert.Equal((0, before.Items, before.Taken), (after.Threads, after.Items, after.Taken));
        for (int i = 0; i < 4; i++)
        {
            items.Tick();
        }

        Assert.False(items.Cache.HoldsAnything);
        items.Return(items.Take());
        Assert.Equal(1, items.Count().Threads);
    }

    [Fact]
    public void A_thread_that_only_takes_has_nothing_here()
    {
        NumberedItems items = new(M);
        NumberedItems.OnNewThread(() => items.Take());
        Assert.False(items.Cache.HoldsAnything);
        Assert.Equal(0, items.Count().Threads);
    }

    [Fact]
    public void A_busy_thread_keeps_what_it_holds()
    {
        NumberedItems items = new(M);
        Array.ForEach([.. Enumerable.Range(0, 5).Select(_ => items.Take())], items.Return);
        for (int i = 0; i < 5; i++)
        {
            items.Return(items.Take());
            Assert.Empty(items.Tick());
        }

        long touches = items.Count().DepotTouches;
        items.Return(items.Take());
        Assert.Equal(touches, items.Count().DepotTouches);
    }

    [Fact]
    public void What_nobody_needs_leaves_within_four_intervals()
    {
        NumberedItems items = new(M);
        Array.ForEach([.. Enumerable.Range(0, 20 * M).Select(_ => items.Take())], items.Return);
        List<int> gone = [];
        for (int i = 0; i < 5; i++)
        {
            gone.AddRange(items.Tick());
        }

        Assert.Equal(items.Made, gone.Concat(items.Contents()).Distinct().Count());
        Assert.InRange(items.Contents().Count, 0, M - 1);
    }
}
