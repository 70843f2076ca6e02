using Vmem.Caching;
using Vmem.Testing.Internals;
using Vmem.Tests.Caching;
using Xunit;

namespace Vmem.Tests.Objects;

public class ObjectCacheTests
{
    [Fact]
    public void An_object_is_constructed_once_and_used_many_times()
    {
        using WidgetShop shop = new();
        Widget first = shop.Cache.Rent();
        shop.Cache.Return(first);
        for (int i = 0; i < 1_000; i++)
        {
            Widget widget = shop.Cache.Rent();
            Assert.Same(first, widget);
            shop.Cache.Return(widget);
        }

        Assert.Equal((1, 0), (shop.ConstructedCount, shop.DestructedCount));
    }

    /// <summary>What lies in another thread's magazines is not taken: the promise is no more than that.</summary>
    [Fact]
    public void An_object_is_constructed_only_if_neither_the_thread_nor_the_depot_has_one()
    {
        using WidgetShop shop = new();
        shop.Fill(1);
        NumberedItems.OnNewThread(() => shop.Fill(1));
        Assert.Equal(2, shop.ConstructedCount);
        shop.Fill(100);
        int made = shop.ConstructedCount;
        Assert.InRange(shop.Cache.GetStatistics().FullMagazines, 1, 100);
        NumberedItems.OnNewThread(() => shop.Fill(15));
        Assert.Equal(made, shop.ConstructedCount);
    }

    /// <summary>Another thread, which a lock would stop, uses the cache in the midst of each callback.</summary>
    [Fact]
    public void Callbacks_are_called_under_no_lock_and_may_use_the_cache()
    {
        WidgetShop shop = new();
        Widget spare = shop.Cache.Rent();
        bool isInside = false;
        int used = 0;
        shop.Constructing = _ => Use();
        shop.Destructed = _ => Use();
        shop.Reclaim = Use;
        Assert.InRange(UsesOf(() => shop.Fill(40)), 20, 40);     // each construction leaves one from inside for the next rent
        Assert.Equal(1, UsesOf(() => shop.Cache.Discard(spare)));
        Assert.InRange(UsesOf(() => Assert.NotEqual(0, shop.Cache.Reap())), 2, 100);
        shop.Fill(100);
        Assert.InRange(UsesOf(((IUpkeepTarget)shop.Cache).RelievePressure), 1, 200);
        Assert.Equal(0, shop.Cache.GetStatistics().Rented);
        shop.Dispose();
        Assert.Equal(shop.ConstructedCount, shop.DestructedCount);

        int UsesOf(Action call)
        {
            int before = used;
            call();
            return used - before;
        }

        void Use()
        {
            if (!isInside)
            {
                isInside = true;
                used++;
                NumberedItems.OnNewThread(() =>
                {
                    shop.Fill(1);
                    _ = shop.Cache.GetStatistics();
                    _ = shop.Cache.Reap();
                });
                shop.Fill(1);
                isInside = false;
            }
        }
    }

    [Fact]
    public void Statistics_say_what_is_where()
    {
        using WidgetShop shop = new();
        Widget[] held = [.. Enumerable.Range(0, 100).Select(_ => shop.Cache.Rent())];
        Array.ForEach(held[..60], shop.Cache.Return);
        shop.Cache.Discard(held[60]);
        ObjectCacheStatistics statistics = shop.Cache.GetStatistics();
        Assert.Equal((100L, 1L, 39L, 60L), (statistics.Constructed, statistics.Destructed, statistics.Rented, statistics.Cached));
        Assert.Equal((100L, 61L), (statistics.Rents, statistics.Returns));
        Assert.Equal((15, 1, 2), (statistics.MagazineRounds, statistics.Threads, statistics.FullMagazines));
    }

    [Fact]
    public void Reap_destructs_all_that_lies_there_also_with_other_threads()
    {
        using WidgetShop shop = new();
        Widget[] held = [.. Enumerable.Range(0, 100).Select(_ => shop.Cache.Rent())];
        NumberedItems.OnNewThread(() => Array.ForEach(held[..40], shop.Cache.Return));
        Array.ForEach(held[40..90], shop.Cache.Return);
        Assert.Equal(90, shop.Cache.Reap());
        Assert.Equal(90, held.Count(widget => widget.IsDestructed));
        Assert.Equal(0, shop.Cache.Reap());
        Assert.Equal(
            (90L, 10L, 0L),
            (shop.Cache.GetStatistics().Destructed, shop.Cache.GetStatistics().Rented, shop.Cache.GetStatistics().Cached));
    }

    [Fact]
    public void Reap_asks_the_user_first_who_may_return_and_reap()
    {
        using WidgetShop shop = new();
        Stack<Widget> spare = new([shop.Cache.Rent(), shop.Cache.Rent()]);
        int asked = 0;
        shop.Reclaim = () =>
        {
            asked++;
            shop.Cache.Return(spare.Pop());
            Assert.Equal(1, shop.Cache.Reap());
            shop.Cache.Return(spare.Pop());
        };
        Assert.Equal(1, shop.Cache.Reap());
        Assert.Equal((1, 2), (asked, shop.DestructedCount));
    }

    [Fact]
    public void After_dispose_there_is_nothing_to_rent_and_what_comes_back_is_destructed()
    {
        WidgetShop shop = new();
        Widget late = shop.Cache.Rent();
        shop.Fill(50);
        shop.Dispose();
        Assert.Equal(50, shop.DestructedCount);
        Assert.Throws<ObjectDisposedException>(() => shop.Cache.Rent());
        Assert.Throws<ObjectDisposedException>(() => shop.Cache.Reap());
        shop.Cache.Return(late);
        Assert.True(late.IsDestructed);
        shop.Dispose();
        Assert.Equal((51L, 51L, 0L, 0L), Figures(shop));
    }

    [Fact]
    public void What_two_intervals_did_not_need_is_destructed()
    {
        using WidgetShop shop = new();
        shop.Fill(300);
        shop.PassInterval();
        Assert.Equal(0, shop.DestructedCount);
        for (int i = 0; i < 3; i++)
        {
            shop.PassInterval();
        }

        // What does not fill a magazine stays.
        Assert.InRange(shop.Cache.GetStatistics().Cached, 0, 14);
        Assert.Equal(300, shop.DestructedCount + shop.Cache.GetStatistics().Cached);
    }

    [Fact]
    public void When_memory_is_short_the_user_is_asked_and_the_depot_emptied()
    {
        using WidgetShop shop = new();
        shop.Fill(100);
        Widget spare = shop.Cache.Rent();
        shop.Reclaim = () => shop.Cache.Return(spare);
        ((IUpkeepTarget)shop.Cache).RelievePressure();
        ObjectCacheStatistics statistics = shop.Cache.GetStatistics();
        Assert.Equal((0L, 0), (statistics.Rented, statistics.FullMagazines));
        Assert.InRange(statistics.Cached, 0, 30);
        Assert.Equal(100, shop.DestructedCount + statistics.Cached);
    }

    [Fact]
    public void A_cache_that_nobody_refers_to_is_collected()
    {
        WeakReference cache = Drop();
        for (int i = 0; i < 10 && cache.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(cache.IsAlive);

        static WeakReference Drop() => new(new ObjectCache<object>("dropped", () => new object()));
    }

    [Fact]
    public void Renting_and_returning_makes_no_garbage()
    {
        using WidgetShop shop = new();
        Widget[] held = new Widget[200];
        Assert.Equal(0, Garbage.Of(20, () =>
        {
            for (int i = 0; i < held.Length; i++)
            {
                held[i] = shop.Cache.Rent();
            }

            foreach (Widget widget in held)
            {
                shop.Cache.Return(widget);
            }
        }));
    }

    [Fact]
    public void Wrong_arguments_are_told()
    {
        Assert.Throws<ArgumentNullException>(() => new ObjectCache<object>(null!, () => new object()));
        Assert.Throws<ArgumentNullException>(() => new ObjectCache<object>("x", null!));
        foreach ((int least, int most) in new[] { (0, 15), (144, 144), (15, 14), (15, 144), (-1, -1) })
        {
            Assert.Throws<ArgumentException>(() => new ObjectCache<object>(
                "x",
                () => new object(),
                options: new() { LeastRounds = least, MostRounds = most }));
        }

        using WidgetShop shop = new();
        Assert.Throws<ArgumentNullException>(() => shop.Cache.Return(null!));
        Assert.Throws<ArgumentNullException>(() => shop.Cache.Discard(null!));
        shop.Cache.Return(shop.Cache.Rent());
        Assert.Throws<ArgumentNullException>(() => shop.Cache.Return(null!));
        Assert.Equal((1L, 0L, 0L, 1L), Figures(shop));
    }

    internal static (long Constructed, long Destructed, long Rented, long Cached) Figures(WidgetShop shop)
    {
        ObjectCacheStatistics statistics = shop.Cache.GetStatistics();
        return (statistics.Constructed, statistics.Destructed, statistics.Rented, statistics.Cached);
    }
}
