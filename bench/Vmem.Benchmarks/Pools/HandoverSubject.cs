using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Pools;

/// <summary>What one measurement found.</summary>
/// <param name="Nanoseconds">Elapsed, for an object.</param>
/// <param name="Constructed">Objects ever constructed.</param>
/// <param name="Bytes">Managed bytes allocated by both threads, for an object.</param>
internal readonly record struct HandoverTimes(double Nanoseconds, long Constructed, double Bytes);

/// <summary>One thread rents blocks of objects and hands them over, another returns them.</summary>
internal abstract class HandoverSubject(string name)
{
    public string Name { get; } = name;

    public abstract HandoverTimes Measure(int blocks);
}

/// <summary>The same for one kind of pool.</summary>
internal sealed class HandoverSubject<TPool>(string name, Func<TPool> make) : HandoverSubject(name)
    where TPool : struct, IPool<Pooled>
{
    private const int WarmUpBlocks = 2_000;

    public override HandoverTimes Measure(int blocks)
    {
        using TPool pool = make();
        TPool shared = pool;
        var ring = new BlockRing<Pooled>();
        CrewTimes times = Crew.HandOver(WarmUpBlocks, blocks, () => Fill(shared, ring), () => Empty(shared, ring));
        double objects = (double)blocks * BlockRing<Pooled>.BlockLength;
        return new HandoverTimes(times.Nanoseconds / objects, pool.Constructed, times.ManagedBytes / objects);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fill(TPool pool, BlockRing<Pooled> ring)
    {
        Pooled[] block = ring.AwaitRoom();
        for (int i = 0; i < block.Length; i++)
        {
            block[i] = pool.Rent();
        }

        ring.Publish();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Empty(TPool pool, BlockRing<Pooled> ring)
    {
        foreach (Pooled item in ring.AwaitBlock())
        {
            pool.Return(item);
        }

        ring.Consume();
    }
}
