using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Baselines;

namespace Vmem.Benchmarks.Pools;

/// <summary>A reference as an item of magazines: stores into arrays of it are not checked for their type, nor are they in Vmem's.</summary>
internal readonly struct Slot(object item)
{
    public readonly object Item = item;
}

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
