using System.Diagnostics;
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
        var ring = new BlockRing<Pooled>();
        using var ready = new Barrier(3);
        long bytes = 0;
        Thread[] threads =
        [
            new(() => Run(blocks, ready, ref bytes, () => Fill(pool, ring))),
            new(() => Run(blocks, ready, ref bytes, () => Empty(pool, ring))),
        ];
        Array.ForEach(threads, thread => thread.Start());
        ready.SignalAndWait();
        long begin = Stopwatch.GetTimestamp();
        Array.ForEach(threads, thread => thread.Join());
        double objects = (double)blocks * BlockRing<Pooled>.BlockLength;
        return new HandoverTimes(Clock.NanosecondsSince(begin) / objects, pool.Constructed, bytes / objects);
    }

    private static void Run(int blocks, Barrier ready, ref long bytes, Action step)
    {
        for (int i = 0; i < WarmUpBlocks; i++)
        {
            step();
        }

        ready.SignalAndWait();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < blocks; i++)
        {
            step();
        }

        Interlocked.Add(ref bytes, GC.GetAllocatedBytesForCurrentThread() - before);
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
