using System.Diagnostics.Metrics;
using Vmem.Diagnostics;
using Vmem.Lifetimes;

namespace Vmem;

/// <summary>The names of the object caches' metrics, and the instruments behind them.</summary>
/// <remarks>The meter is called as that of arenas is (<see cref="ArenaMetrics.MeterName"/>): whoever asks for it sees these, too. Nothing
/// is recorded, see <see cref="ArenaMetrics"/>, and no thread is stopped to count: what passes from thread to thread meanwhile may be
/// missed or be counted twice.</remarks>
public static class ObjectCacheMetrics
{
    /// <summary>The tag on each measurement: the cache's name.</summary>
    public const string CacheNameTag = "vmem.object_cache.name";

    /// <summary>The second tag of a cache whose name another one had first: "2", "3" and so on.</summary>
    public const string CacheInstanceTag = "vmem.object_cache.instance";

    /// <summary>Objects that are out now.</summary>
    public const string Rented = "vmem.object_cache.rented";

    /// <summary>Objects that lie in magazines, ready for use.</summary>
    public const string Cached = "vmem.object_cache.cached";

    /// <summary>Objects that the constructor has made.</summary>
    public const string Constructed = "vmem.object_cache.constructed";

    /// <summary>Objects that the cache has let go.</summary>
    public const string Destructed = "vmem.object_cache.destructed";

    /// <summary>How often an object was rented.</summary>
    public const string Rents = "vmem.object_cache.rents";

    /// <summary>How often an upkeep ended in an exception of a callback.</summary>
    public const string UpkeepFailures = "vmem.object_cache.upkeep_failures";

    private static readonly Meter s_meter = new(ArenaMetrics.MeterName);

    static ObjectCacheMetrics()
    {
        Unloading.Then(s_meter.Dispose);
        Observe(Rented, ObjectCacheFigure.Rented, "{object}", "Objects that are out now.");
        Observe(Cached, ObjectCacheFigure.Cached, "{object}", "Objects that lie in magazines, ready for use.");
        Observe(Constructed, ObjectCacheFigure.Constructed, "{object}", "Objects that the constructor has made.");
        Observe(Destructed, ObjectCacheFigure.Destructed, "{object}", "Objects that the cache has let go.");
        Observe(Rents, ObjectCacheFigure.Rents, "{rent}", "How often an object was rented.");
        Observe(UpkeepFailures, ObjectCacheFigure.UpkeepFailures, "{failure}", "Upkeeps that ended in an exception of a callback.");
    }

    /// <summary>The caches that are measured.</summary>
    internal static MeteredRegistry Caches { get; } = new(CacheNameTag, CacheInstanceTag, levels: (int)ObjectCacheFigure.Constructed);

    private static void Observe(string name, ObjectCacheFigure figure, string unit, string description) =>
        Caches.Observe(s_meter, name, (int)figure, unit, description);
}
