using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Xunit;

namespace Vmem.Tests.Objects;

/// <summary>The ends of what an object cache takes, counts and tells.</summary>
public class ObjectCacheEdgeTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 143)]
    [InlineData(143, 143)]
    [InlineData(15, 15)]
    public void Magazines_are_of_one_to_a_hundred_and_forty_three(int least, int most)
    {
        using WidgetShop shop = new(new ObjectCacheOptions { LeastRounds = least, MostRounds = most });
        shop.Fill(1);
        Assert.Equal(least, shop.Cache.GetStatistics().MagazineRounds);
    }

    [Fact]
    public void There_is_no_cache_without_a_clock() => Assert.Equal("options", Assert.Throws<ArgumentNullException>(static () =>
        new ObjectCache<object>("x", static () => new object(), options: new() { TimeProvider = null! })).ParamName);

    [Fact]
    public void Empty_magazines_go_with_what_is_let_go()
    {
        using WidgetShop shop = new();
        shop.Fill(200);
        Assert.Equal(200, shop.Cache.Reap());
        Assert.Equal((0, 0), (shop.Cache.GetStatistics().EmptyMagazines, shop.Cache.GetStatistics().FullMagazines));
        shop.Fill(200);
        Widget[] held = [.. Enumerable.Range(0, 150).Select(_ => shop.Cache.Rent())];
        Assert.NotEqual(0, shop.Cache.GetStatistics().EmptyMagazines);
        ((IUpkeepTarget)shop.Cache).RelievePressure();
        Assert.Equal(0, shop.Cache.GetStatistics().EmptyMagazines);
        shop.Fill(200);
        Widget[] more = [.. Enumerable.Range(0, 150).Select(_ => shop.Cache.Rent())];
        Assert.NotEqual(0, shop.Cache.GetStatistics().EmptyMagazines);
        shop.Cache.Dispose();
        Assert.Equal(0, shop.Cache.GetStatistics().EmptyMagazines);
        Assert.Equal(300, held.Length + more.Length);
    }

    /// <summary>Each figure by itself, as metrics read it.</summary>
    [Fact]
    public void Metrics_add_up()
    {
        WidgetShop shop = new();
        Widget[] held = [.. Enumerable.Range(0, 10).Select(_ => shop.Cache.Rent())];
        Array.ForEach(held[..4], shop.Cache.Return);
        shop.Cache.Discard(held[4]);
        Widget again = shop.Cache.Rent();
        Assert.Equal([6L, 3, 10, 1, 11, 0], Read(true));
        shop.Cache.Return(again);
        shop.Dispose();
        Assert.Equal([5L, 0, 10, 5, 11, 0], Read(false));

        long[] Read(bool isThere) => [.. new[]
        {
            ObjectCacheFigure.Rented, ObjectCacheFigure.Cached, ObjectCacheFigure.Constructed, ObjectCacheFigure.Destructed,
            ObjectCacheFigure.Rents, ObjectCacheFigure.UpkeepFailures,
        }.Select(figure =>
        {
            Assert.Equal(isThere, ((IMetered)shop.Cache).TryRead((int)figure, out long value));
            return value;
        })];
    }

    [Fact]
    public void A_cache_that_has_ended_is_listed_no_more_and_has_no_timer()
    {
        WidgetShop shop = new();
        Assert.Equal(1, shop.Time.Timers);
        Assert.Contains(VmemProcess.ObjectCaches, view => ReferenceEquals(view.Cache, shop.Cache));
        shop.Dispose();
        Assert.Equal(0, shop.Time.Timers);
        Assert.DoesNotContain(VmemProcess.ObjectCaches, view => ReferenceEquals(view.Cache, shop.Cache));
    }

    [Fact]
    public void There_is_more_to_do_while_objects_are_there_or_somebody_can_be_asked()
    {
        using ObjectCache<object> plain = new("plain", static () => new object());
        Assert.False(((IUpkeepTarget)plain).EndInterval());
        plain.Return(plain.Rent());
        Assert.True(((IUpkeepTarget)plain).EndInterval());
        using WidgetShop asked = new();
        Assert.True(((IUpkeepTarget)asked.Cache).EndInterval());
        asked.Fill(1);
        Assert.True(((IUpkeepTarget)asked.Cache).EndInterval());
    }

    [Fact]
    public void The_first_exception_of_many_is_thrown()
    {
        using WidgetShop shop = new();
        shop.Fill(3);
        List<int> thrown = [];
        shop.Destructed = widget =>
        {
            thrown.Add(widget.Number);
            throw new TimeZoneNotFoundException($"{widget.Number}");
        };
        string told = Assert.Throws<TimeZoneNotFoundException>(() => shop.Cache.Reap()).Message;
        Assert.Equal(3, thrown.Count);
        Assert.Equal($"{thrown[0]}", told);
        shop.Fill(3);
        shop.Reclaim = static () => throw new InvalidTimeZoneException();
        Assert.Throws<InvalidTimeZoneException>(() => shop.Cache.Reap());
        Assert.Equal(6, thrown.Count);
    }

    /// <summary>The user has thrown before, and says more.</summary>
    [Fact]
    public void A_lack_of_memory_does_not_hide_what_the_user_has_thrown()
    {
        using WidgetShop shop = new();
        shop.Fill(3);
        shop.Reclaim = static () => throw new InvalidTimeZoneException();
        using (GrowthFault.Inject(static () => true))
        {
            Assert.Throws<InvalidTimeZoneException>(() => shop.Cache.Reap());
        }

        Assert.Equal(0, shop.DestructedCount);
        shop.Reclaim = null;
        Assert.Equal(3, shop.Cache.Reap());
    }

    /// <summary>An audit knows only what the cache has not let go.</summary>
    [Fact]
    public void What_was_let_go_is_foreign_to_the_audit()
    {
        using WidgetShop shop = new(new ObjectCacheOptions { Audit = true });
        Widget gone = shop.Cache.Rent();
        shop.Cache.Return(gone);
        Assert.Equal(1, shop.Cache.Reap());
        Assert.Equal(InvalidReturnReason.Foreign, Assert.Throws<InvalidReturnException>(() => shop.Cache.Return(gone)).Reason);
        Widget discarded = shop.Cache.Rent();
        shop.Cache.Discard(discarded);
        Assert.Equal(InvalidReturnReason.Foreign, Assert.Throws<InvalidReturnException>(() => shop.Cache.Discard(discarded)).Reason);
    }

    /// <summary>The clock of the audit throws as the object is about to go out, new or from a magazine.</summary>
    [Fact]
    public void An_object_whose_rent_cannot_be_noted_is_let_go()
    {
        BrokenClock clock = new();
        int destructed = 0;
        using ObjectCache<object> cache = new("noted", static () => new object(), _ => destructed++,
            options: new() { Audit = true, TimeProvider = clock });
        cache.Return(cache.Rent());
        clock.IsBroken = true;
        Assert.Throws<TimeZoneNotFoundException>(cache.Rent);
        Assert.Throws<TimeZoneNotFoundException>(cache.Rent);
        clock.IsBroken = false;
        ObjectCacheStatistics figures = cache.GetStatistics();
        Assert.Equal((2L, 2L, 0L, 0L), (figures.Constructed, figures.Destructed, figures.Rented, figures.Cached));
        Assert.Equal(2, destructed);
    }

    private sealed class BrokenClock : TimeProvider
    {
        public bool IsBroken { get; set; }

        public override DateTimeOffset GetUtcNow() => IsBroken ? throw new TimeZoneNotFoundException() : base.GetUtcNow();
    }
}
