using Vmem.Caching;
using Vmem.Diagnostics;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Objects;

/// <summary>One thread, generated sequences: an object is out, in the cache, or destructed, and the cache's figures say so after each
/// step.</summary>
public class ObjectCacheModelTests
{
    private const int Steps = 3_000;

    [Fact]
    [Trait("Once", "Release")]
    public void Every_object_is_where_the_model_has_it()
    {
        for (ulong seed = 0; seed < 60; seed++)
        {
            Run(seed);
        }
    }

    private static void Run(ulong seed)
    {
        SeededRandom random = new(seed);
        using WidgetShop shop = new(new ObjectCacheOptions { LeastRounds = 1 + random.Below(20), Audit = seed % 3 == 0 });
        List<Widget> held = [];
        HashSet<Widget> cached = [];
        shop.Destructed = widget => Assert.True(held.Remove(widget) || cached.Remove(widget), $"seed {seed}: {widget.Number} is destructed, and was nowhere.");
        long rents = 0;
        long returns = 0;
        for (int step = 0; step < Steps; step++)
        {
            switch (random.Below(400))
            {
                case 0:
                    int before = cached.Count;
                    Assert.Equal(before, shop.Cache.Reap());
                    Assert.Empty(cached);
                    break;
                case < 4:
                    shop.PassInterval();
                    break;
                case 4:
                    ((IUpkeepTarget)shop.Cache).RelievePressure();
                    break;
                case < 10 when held.Count > 0:
                    shop.Cache.Discard(held[random.Below(held.Count)]);
                    returns++;
                    break;
                case < 200 when held.Count > 0:
                    int index = random.Below(held.Count);
                    shop.Cache.Return(held[index]);
                    Assert.True(cached.Add(held[index]));
                    held.RemoveAt(index);
                    returns++;
                    break;
                default:
                    int made = shop.ConstructedCount;
                    Widget widget = shop.Cache.Rent();
                    Assert.Equal(cached.Count == 0, shop.ConstructedCount > made);
                    Assert.True(cached.Remove(widget) || widget.Number > made, $"seed {seed}: {widget.Number} was not there to be rented.");
                    held.Add(widget);
                    rents++;
                    break;
            }

            ObjectCacheStatistics statistics = shop.Cache.GetStatistics();
            Assert.Equal(
                ((long)held.Count, (long)cached.Count, rents, returns),
                (statistics.Rented, statistics.Cached, statistics.Rents, statistics.Returns));
            Assert.Equal((shop.ConstructedCount, shop.DestructedCount), (statistics.Constructed, statistics.Destructed));
        }
    }
}
