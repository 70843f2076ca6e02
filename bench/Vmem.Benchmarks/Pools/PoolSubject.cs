using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;

namespace Vmem.Benchmarks.Pools;

/// <summary>What one measurement found.</summary>
/// <param name="Nanoseconds">For a rent and a return, as a processor sees them: elapsed time × processors at work ÷ pairs.</param>
/// <param name="Bytes">Managed bytes allocated for each pair.</param>
internal readonly record struct PoolTimes(double Nanoseconds, double Bytes);

/// <summary>A line of a table of pools.</summary>
internal abstract class PoolSubject(string name)
{
    public string Name { get; } = name;

    /// <summary>Threads rent objects, a few at a time, and return them, for a while.</summary>
    /// <param name="threads">How many threads.</param>
    /// <param name="held">How many objects each rents before it returns them: at most <see cref="MostHeld"/>.</param>
    /// <param name="seconds">How long.</param>
    public abstract PoolTimes Measure(int threads, int held, double seconds);

    /// <summary>The turn that does not count is at least so long: the runtime compiles what it has seen to be hot some 100 ms
    /// later.</summary>
    public const double WarmUpSeconds = 0.4;

    /// <summary>The most objects that a thread holds at once.</summary>
    public const int MostHeld = 8;
}

/// <summary>The same for one kind of pool.</summary>
internal sealed class PoolSubject<TPool, TItem>(string name, Func<TPool> make) : PoolSubject(name)
    where TPool : struct, IPool<TItem>
    where TItem : class
{
    private const int WarmUpChunks = 500;

    private const int ChunkLength = 1_024;

    public override PoolTimes Measure(int threads, int held, double seconds)
    {
        using TPool pool = make();
        TPool shared = pool;
        CrewTimes times = Crew.Work(threads, seconds, _ => new Shift(shared, held));
        double pairs = (double)times.Chunks * ChunkLength;
        return new PoolTimes(times.Nanoseconds * Math.Min(threads, Environment.ProcessorCount) / pairs, times.ManagedBytes / pairs);
    }

    private readonly struct Shift(TPool pool, int held) : IShift
    {
        public void Settle()
        {
            for (int i = 0; i < WarmUpChunks; i++)
            {
                RunChunk();
            }
        }

        public void RunChunk() => Run(pool, held);

        public void Dispose()
        {
            // All threads share the pool.
        }
    }

    private static void Run(TPool pool, int held)
    {
        if (held == 1)
        {
            RunPairs(pool);
        }
        else
        {
            RunBursts(pool);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RunPairs(TPool pool)
    {
        for (int i = 0; i < ChunkLength; i++)
        {
            pool.Return(pool.Rent());
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RunBursts(TPool pool)
    {
        for (int i = 0; i < ChunkLength / MostHeld; i++)
        {
            // Locals, not an array: storing references costs the same for every pool, and as much as the fastest of them.
            TItem a = pool.Rent();
            TItem b = pool.Rent();
            TItem c = pool.Rent();
            TItem d = pool.Rent();
            TItem e = pool.Rent();
            TItem f = pool.Rent();
            TItem g = pool.Rent();
            TItem h = pool.Rent();
            pool.Return(a);
            pool.Return(b);
            pool.Return(c);
            pool.Return(d);
            pool.Return(e);
            pool.Return(f);
            pool.Return(g);
            pool.Return(h);
        }
    }
}
