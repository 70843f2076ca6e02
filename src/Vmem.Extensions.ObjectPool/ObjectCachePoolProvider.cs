using System.Diagnostics;
using Microsoft.Extensions.ObjectPool;

namespace Vmem.Extensions.ObjectPool;

/// <summary>Makes pools that are object caches: register it in place of <see cref="DefaultObjectPoolProvider"/>.</summary>
[DebuggerDisplay("{_options}")]
public sealed class ObjectCachePoolProvider : ObjectPoolProvider
{
    private readonly ObjectCacheOptions? _options;

    /// <summary>Makes a provider.</summary>
    /// <param name="options">How the caches behave; null for the defaults.</param>
    public ObjectCachePoolProvider(ObjectCacheOptions? options = null) => _options = options;

    /// <summary>Makes an empty pool.</summary>
    /// <typeparam name="T">What is pooled.</typeparam>
    /// <param name="policy">Makes objects, and says which of those that come back can be used again.</param>
    /// <returns>An <see cref="ObjectCachePool{T}"/>.</returns>
    public override ObjectPool<T> Create<T>(IPooledObjectPolicy<T> policy) => new ObjectCachePool<T>(policy, _options);
}
