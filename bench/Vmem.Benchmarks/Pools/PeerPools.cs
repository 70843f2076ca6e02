using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.ObjectPool;

namespace Vmem.Benchmarks.Pools;

/// <summary>A pool as one writes it oneself: a <see cref="ConcurrentQueue{T}"/>.</summary>
internal readonly struct QueuePool(Func<Pooled> make) : IPool<Pooled>
{
    private readonly ConcurrentQueue<Pooled> _queue = new();
    private readonly Maker _maker = new(make);

    public long Constructed => _maker.Made;

    public Pooled Rent() => _queue.TryDequeue(out Pooled? item) ? item : _maker.Create();

    public void Return(Pooled item) => _queue.Enqueue(item);

    public void Dispose()
    {
    }
}

/// <summary>The same with a <see cref="ConcurrentBag{T}"/>.</summary>
internal readonly struct BagPool(Func<Pooled> make) : IPool<Pooled>
{
    private readonly ConcurrentBag<Pooled> _bag = [];
    private readonly Maker _maker = new(make);

    public long Constructed => _maker.Made;

    public Pooled Rent() => _bag.TryTake(out Pooled? item) ? item : _maker.Create();

    public void Return(Pooled item) => _bag.Add(item);

    public void Dispose()
    {
    }
}

/// <summary><see cref="DefaultObjectPool{T}"/>, which drops what is returned beyond the number it retains: 2 per processor unless
/// set.</summary>
internal readonly struct MicrosoftPool : IPool<Pooled>
{
    private readonly Maker _maker;
    private readonly DefaultObjectPool<Pooled> _pool;

    public MicrosoftPool(Func<Pooled> make, int? retained = null)
    {
        _maker = new Maker(make);
        _pool = new DefaultObjectPool<Pooled>(_maker, retained ?? (2 * Environment.ProcessorCount));
    }

    public long Constructed => _maker.Made;

    public Pooled Rent() => _pool.Get();

    public void Return(Pooled item) => _pool.Return(item);

    public void Dispose()
    {
    }
}

/// <summary><see cref="ArrayPool{T}.Shared"/>.</summary>
internal readonly struct SharedArrays(int length) : IPool<byte[]>
{
    public long Constructed => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte[] Rent() => ArrayPool<byte>.Shared.Rent(length);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(byte[] item) => ArrayPool<byte>.Shared.Return(item);

    public void Dispose()
    {
    }
}

/// <summary>No pool: the garbage collector.</summary>
internal readonly struct NewObjects : IPool<Pooled>
{
    public long Constructed => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Pooled Rent() => new();

    public void Return(Pooled item) => Escape.Here(item);

    public void Dispose()
    {
    }
}

/// <summary>No pool: the garbage collector.</summary>
internal readonly struct NewArrays(int length) : IPool<byte[]>
{
    public long Constructed => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte[] Rent() => new byte[length];

    public void Return(byte[] item) => Escape.Here(item);

    public void Dispose()
    {
    }
}

/// <summary>Nothing at all: what remains is what surrounds the pool.</summary>
internal readonly struct NoPool(Pooled item) : IPool<Pooled>
{
    public long Constructed => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Pooled Rent() => item;

    public void Return(Pooled item) => Escape.Here(item);

    public void Dispose()
    {
    }
}

/// <summary>Keeps the JIT from putting an object on the stack.</summary>
internal static class Escape
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Here(object item) => _ = item;
}
