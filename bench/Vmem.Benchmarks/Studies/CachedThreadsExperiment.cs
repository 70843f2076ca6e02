using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>Threads replace ranges of their own, sizes 1 to 8, on one arena for a while; the median of million replacements a second, all
/// threads together. With one live range a thread this is the pair: free it and allocate another.</summary>
internal sealed class CachedThreadsExperiment(int threads, int liveRanges, int runs, double seconds)
{
    private const int ChunkLength = 64;
    private const int WarmUpChunks = 20_000;
    private const ulong MaxSize = 8;

    private volatile bool _stop;

    public double Run(bool cached) => Median.Of(Enumerable.Range(0, runs).Select(_ => RunOnce(cached)).ToArray());

    private double RunOnce(bool cached)
    {
        using var arena = new Arena<ulong>("threads", 0, 1 << 24, 1, new ArenaOptions<ulong> { QuantumCacheMax = cached ? MaxSize : 0 });
        long[] counts = new long[threads];
        _stop = false;
        using var ready = new Barrier(threads + 1);
        var workers = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            int index = i;
            workers[i] = new Thread(() => counts[index] = Work(arena, index, ready)) { IsBackground = true };
            workers[i].Start();
        }

        ready.SignalAndWait();
        long begin = Stopwatch.GetTimestamp();
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        _stop = true;
        double elapsed = Clock.NanosecondsSince(begin);
        Array.ForEach(workers, worker => worker.Join());
        arena.Validate();
        return counts.Sum() * 1e3 / elapsed;
    }

    private long Work(Arena<ulong> arena, int index, Barrier ready)
    {
        var ranges = new (ulong Start, ulong Size)[liveRanges];
        var random = new Xorshift64(Xorshift64.DefaultSeed * ((2 * (ulong)index) + 1));
        for (int i = 0; i < ranges.Length; i++)
        {
            ulong size = 1 + (ulong)random.Index((int)MaxSize);
            ranges[i] = (arena.Allocate(size), size);
        }

        for (int i = 0; i < WarmUpChunks; i++)
        {
            ReplaceChunk(arena, ranges, ref random);
        }

        Thread.Sleep(250);                        // the JIT's last tier is compiled in the background
        for (int i = 0; i < WarmUpChunks; i++)
        {
            ReplaceChunk(arena, ranges, ref random);
        }

        ready.SignalAndWait();
        long chunks = 0;
        while (!_stop)
        {
            ReplaceChunk(arena, ranges, ref random);
            chunks++;
        }

        return chunks * ChunkLength;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ReplaceChunk(Arena<ulong> arena, (ulong Start, ulong Size)[] ranges, ref Xorshift64 random)
    {
        Xorshift64 local = random;
        for (int i = 0; i < ChunkLength; i++)
        {
            ref (ulong Start, ulong Size) slot = ref ranges[local.Index(ranges.Length)];
            arena.Free(slot.Start, slot.Size);
            ulong size = 1 + (ulong)local.Index((int)MaxSize);
            slot = (arena.Allocate(size), size);
        }

        random = local;
    }
}
