using System.Runtime.CompilerServices;
using Vmem.Extensions.ObjectPool;

namespace Vmem.Benchmarks.Pools;

// None of the pools is generic: code over a type parameter that is a class is shared, and calls what it would otherwise inline.
#pragma warning disable CA1001 // they are disposable; the rule does not see it of structs

/// <summary><see cref="ObjectCache{TObject}"/>.</summary>
internal readonly struct CachePool(Func<Pooled> make, int leastRounds = 15) : IPool<Pooled>
{
    private readonly ObjectCache<Pooled> _cache = new("bench", make, options: new ObjectCacheOptions { LeastRounds = leastRounds });

    public long Constructed => _cache.GetStatistics().Constructed;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Pooled Rent() => _cache.Rent();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(Pooled item) => _cache.Return(item);

    public void Dispose() => _cache.Dispose();
}

/// <summary>The same with arrays.</summary>
internal readonly struct CacheArrays(int length) : IPool<byte[]>
{
    private readonly ObjectCache<byte[]> _cache = new("bench", () => new byte[length]);

    public long Constructed => _cache.GetStatistics().Constructed;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte[] Rent() => _cache.Rent();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(byte[] item) => _cache.Return(item);

    public void Dispose() => _cache.Dispose();
}

/// <summary>The same behind the interface of Microsoft.Extensions.ObjectPool.</summary>
internal readonly struct AdapterPool(Func<Pooled> make) : IPool<Pooled>
{
    private readonly ObjectCachePool<Pooled> _pool = new(new Maker(make));

    public long Constructed => _pool.Cache.GetStatistics().Constructed;

    public Pooled Rent() => _pool.Get();

    public void Return(Pooled item) => _pool.Return(item);

    public void Dispose() => _pool.Dispose();
}
