using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Baselines;
using Vmem.Caching;

namespace Vmem.Benchmarks.Pools;

/// <summary>An object cache with magazines by processor.</summary>
internal readonly struct ProcessorPool(ProcessorMagazines<Slot> magazines) : IPool<Pooled>
{
    public long Constructed => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Pooled Rent() => magazines.TryTake(out Slot slot) ? Unsafe.As<Pooled>(slot.Item) : Make();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(Pooled item) => magazines.Return(new Slot(item));

    public void Dispose()
    {
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Pooled Make() => new();
}

/// <summary>An object cache whose figures the caller keeps at hand.</summary>
internal readonly struct ThreadedPool(ObjectCache<Pooled> cache) : IPool<Pooled>
{
    public long Constructed => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Pooled Rent() => cache.Rent();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(Pooled item) => cache.Return(item);

    public void Dispose()
    {
    }
}
