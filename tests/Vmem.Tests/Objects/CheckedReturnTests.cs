using Vmem.Tests.Caching;
using Xunit;

namespace Vmem.Tests.Objects;

/// <summary>Second returns in caches without an audit.</summary>
public class CheckedReturnTests
{
    /// <summary>In the loaded magazine and in the previous one: the thread keeps two of 15.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(30)]
    public void What_lies_in_a_magazine_of_the_thread_does_not_come_in_again(int count)
    {
        using WidgetShop shop = new();
        Widget[] widgets = [.. Enumerable.Range(0, count).Select(_ => shop.Cache.Rent())];
        Array.ForEach(widgets, shop.Cache.Return);
        GC.Collect(0);
        foreach (Widget widget in widgets)
        {
            InvalidReturnException twice = Assert.Throws<InvalidReturnException>(() => shop.Cache.Return(widget));
            Assert.Equal(InvalidReturnReason.AlreadyReturned, twice.Reason);
            Assert.Contains("widgets", twice.Message, StringComparison.Ordinal);
            Assert.Throws<InvalidReturnException>(() => shop.Cache.Discard(widget));
        }

        Assert.Equal(0, shop.DestructedCount);
        Assert.Equal((count, 0L), (shop.Cache.GetStatistics().Cached, shop.Cache.GetStatistics().Rented));
        Assert.Equal(count, Enumerable.Range(0, count).Select(_ => shop.Cache.Rent()).Distinct().Count());
    }

    /// <summary>Returns at random, a tenth of them second ones soon after the first, while the collector moves objects.</summary>
    [Fact]
    public void Nobody_shares_an_object_though_many_are_returned_twice()
    {
        using WidgetShop shop = new();
        Random random = new(7);
        List<Widget> held = [];
        int found = 0;
        for (int i = 0; i < 100_000; i++)
        {
            if (held.Count == 0 || random.Next(2) == 0)
            {
                Widget widget = shop.Cache.Rent();
                Assert.DoesNotContain(widget, held);
                held.Add(widget);
            }
            else if (held.Count > 30 || random.Next(3) == 0)
            {
                int at = random.Next(held.Count);
                Widget widget = held[at];
                held.RemoveAt(at);
                shop.Cache.Return(widget);
                if (random.Next(10) == 0)
                {
                    Assert.Throws<InvalidReturnException>(() => shop.Cache.Return(widget));
                    found++;
                }
            }

            if (i % 10_000 == 0)
            {
                GC.Collect();
            }
        }

        Assert.True(found > 1_000);
        Assert.Equal(held.Count, shop.Cache.GetStatistics().Rented);
    }

    [Fact]
    public void Who_is_trusted_is_believed()
    {
        using WidgetShop shop = new(new ObjectCacheOptions { TrustCaller = true });
        Widget widget = shop.Cache.Rent();
        shop.Cache.Return(widget);
        shop.Cache.Return(widget);
        Assert.Same(shop.Cache.Rent(), shop.Cache.Rent());
    }

    /// <summary>What the documentation says that it does not find.</summary>
    [Fact]
    public void What_another_thread_returned_is_found_by_an_audit_only()
    {
        using ObjectCache<object> cache = new("objects", static () => new object());
        object item = cache.Rent();
        NumberedItems.OnNewThread(() => cache.Return(item));
        cache.Return(item);
        using WidgetShop audited = new(new ObjectCacheOptions { Audit = true });
        Widget other = audited.Cache.Rent();
        NumberedItems.OnNewThread(() => audited.Cache.Return(other));
        Assert.Throws<InvalidReturnException>(() => audited.Cache.Return(other));
    }
}
