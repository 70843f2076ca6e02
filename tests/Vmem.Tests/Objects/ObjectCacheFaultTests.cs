using Vmem.Caching;
using Vmem.Checks;
using Xunit;

namespace Vmem.Tests.Objects;

/// <summary>Callbacks that throw: nothing is lost, nothing is counted twice, and the exception reaches whoever can hear it.</summary>
public class ObjectCacheFaultTests
{
    private sealed class Broken(string message) : Exception(message);

    [Fact]
    public void A_constructor_that_throws_has_made_nothing()
    {
        using WidgetShop shop = new();
        int asked = 0;
        shop.Constructing = number =>
        {
            if (++asked % 3 == 0)
            {
                throw new Broken($"{number}");
            }
        };
        List<Widget> held = [];
        int failed = 0;
        for (int i = 0; i < 300; i++)
        {
            try
            {
                held.Add(shop.Cache.Rent());
            }
            catch (Broken)
            {
                failed++;
            }
        }

        Assert.Equal((200, 100), (held.Count, failed));
        Assert.Equal((200L, 0L, 200L, 0L), ObjectCacheTests.Figures(shop));
        held.ForEach(shop.Cache.Return);
        Assert.Equal(200, held.Select(_ => shop.Cache.Rent()).Distinct().Count());
        Assert.Equal(400, shop.Cache.GetStatistics().Rents);
    }

    [Fact]
    public void A_constructor_that_returns_null_is_told()
    {
        using ObjectCache<object> cache = new("null", () => null!);
        Assert.Throws<InvalidOperationException>(cache.Rent);
        Assert.Equal(0, cache.GetStatistics().Constructed);
    }

    [Fact]
    public void Each_object_gets_its_destructor_though_others_throw_and_the_first_exception_is_thrown()
    {
        using WidgetShop shop = new();
        shop.Fill(100);
        shop.Destructed = ThrowEveryThird;
        Broken first = Assert.Throws<Broken>(() => shop.Cache.Reap());
        Assert.Equal(100, shop.DestructedCount);
        Assert.Equal((100L, 100L, 0L, 0L), ObjectCacheTests.Figures(shop));
        Assert.Contains(nameof(ThrowEveryThird), first.StackTrace, StringComparison.Ordinal);
    }

    [Fact]
    public void Reap_goes_on_when_the_user_throws_while_asked()
    {
        using WidgetShop shop = new();
        shop.Fill(10);
        shop.Reclaim = () => throw new Broken("reclaim");
        Assert.Throws<Broken>(() => shop.Cache.Reap());
        Assert.Equal(10, shop.DestructedCount);
        Assert.Throws<Broken>(() => shop.Cache.Reap());
        shop.Reclaim = null;
        Assert.Equal(0, shop.Cache.Reap());
    }

    [Fact]
    public void Dispose_destructs_all_and_throws_once()
    {
        WidgetShop shop = new();
        shop.Fill(10);
        shop.Destructed = ThrowEveryThird;
        Assert.Throws<Broken>(shop.Cache.Dispose);
        shop.Cache.Dispose();
        Assert.Equal(10, shop.DestructedCount);
    }

    [Fact]
    public void A_discarded_object_counts_once_though_its_destructor_throws()
    {
        using WidgetShop shop = new();
        Widget widget = shop.Cache.Rent();
        shop.Destructed = _ => throw new Broken("discard");
        Assert.Throws<Broken>(() => shop.Cache.Discard(widget));
        Assert.Equal((1L, 1L, 0L, 0L), ObjectCacheTests.Figures(shop));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void On_the_upkeep_an_exception_is_told_and_counted_and_goes_no_further(bool pressure)
    {
        List<string> told = [];
        using WidgetShop shop = new(new ObjectCacheOptions
        {
            UpkeepFailed = e =>
            {
                told.Add(e.Message);
                throw new Broken("again");
            },
        });
        shop.Fill(300);
        shop.Destructed = widget => throw new Broken("destructor");
        if (pressure)
        {
            ((IUpkeepTarget)shop.Cache).RelievePressure();
        }
        else
        {
            for (int i = 0; i < 4; i++)
            {
                shop.PassInterval();
            }
        }

        Assert.All(told, message => Assert.Equal("destructor", message));
        Assert.Equal(told.Count, shop.Cache.GetStatistics().UpkeepFailures);
        Assert.NotEmpty(told);
        Assert.Equal(shop.DestructedCount, shop.Cache.GetStatistics().Destructed);
        Assert.InRange(shop.Cache.GetStatistics().Cached, 0, 30);
    }

    /// <summary>There is no memory for the list of what the cache lets go.</summary>
    [Fact]
    public void On_the_upkeep_a_lack_of_memory_is_told_and_the_next_interval_goes_on()
    {
        List<Exception> told = [];
        using WidgetShop shop = new(new ObjectCacheOptions { UpkeepFailed = told.Add });
        shop.Fill(300);
        using (GrowthFault.Inject(static () => true))
        {
            shop.PassInterval();
            shop.PassInterval();
            shop.PassInterval();
        }

        Assert.Equal([typeof(InsufficientMemoryException)], told.Select(e => e.GetType()).Distinct());
        Assert.Equal((0L, (long)told.Count), (shop.Cache.GetStatistics().Destructed, shop.Cache.GetStatistics().UpkeepFailures));
        for (int i = 0; i < 4; i++)
        {
            shop.PassInterval();
        }

        Assert.InRange(shop.Cache.GetStatistics().Cached, 0, 30);
        Assert.Equal(shop.DestructedCount, shop.Cache.GetStatistics().Destructed);
    }

    [Fact]
    public void Dispose_without_memory_is_told_and_another_call_destructs_all()
    {
        WidgetShop shop = new();
        Widget held = shop.Cache.Rent();
        shop.Fill(100);
        using (GrowthFault.Inject(static () => true))
        {
            Assert.Throws<InsufficientMemoryException>(shop.Cache.Dispose);
            Assert.Throws<InsufficientMemoryException>(shop.Cache.Dispose);
        }

        Assert.Equal(0, shop.DestructedCount);
        shop.Cache.Return(held);                  // goes the way of all that comes after the end
        Assert.True(held.IsDestructed);
        Assert.Throws<ObjectDisposedException>(() => shop.Cache.Reap());
        shop.Cache.Dispose();
        shop.Cache.Dispose();
        Assert.Equal(shop.ConstructedCount, shop.DestructedCount);
    }

    private static void ThrowEveryThird(Widget widget)
    {
        if (widget.Number % 3 == 0)
        {
            throw new Broken($"{widget.Number}");
        }
    }
}
