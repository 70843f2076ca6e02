using Vmem.Diagnostics;

namespace Vmem.Caching;

/// <summary>An object cache as the process lists it, without its type.</summary>
internal sealed class ObjectCacheView<TObject>(ObjectCache<TObject> cache, MeteredEntry entry) : ObjectCacheView
    where TObject : class
{
    /// <inheritdoc/>
    public override object Cache => cache;

    /// <inheritdoc/>
    public override string Name => cache.Name;

    /// <inheritdoc/>
    public override int Instance => ObjectCacheMetrics.Caches.InstanceOf(entry, cache.Name);

    /// <inheritdoc/>
    public override Type ObjectType => typeof(TObject);

    /// <inheritdoc/>
    public override ObjectCacheStatistics GetStatistics() => cache.GetStatistics();
}
