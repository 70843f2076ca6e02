using System.Diagnostics;
using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>One turn of one allocator on several threads, each with a space of its own from the same stock, for a while. Returns million
/// allocations and frees a second, all threads together. The threads share what the allocator makes them share and the flag that stops
/// them, nothing else.</summary>
internal sealed class BlockThreadsExperiment<TLaw>(int threads, int live, double seconds) : IBlockExperiment<double>
    where TLaw : struct, ISizeLaw
{
    private const int SettlingChunks = 100;

    private volatile bool _stop;

    public double Run<TBlocks, TBlock>(Func<TBlocks> make)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        using TBlocks shared = make();
        long[] chunks = new long[threads];
        _stop = false;
        using var ready = new Barrier(threads + 1);
        var workers = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            int index = i;
            workers[i] = new Thread(() => chunks[index] = Work<TBlocks, TBlock>(shared, index, ready)) { IsBackground = true };
            workers[i].Start();
        }

        ready.SignalAndWait();
        long begin = Stopwatch.GetTimestamp();
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        _stop = true;
        double elapsed = Clock.NanosecondsSince(begin);
        Array.ForEach(workers, worker => worker.Join());
        return chunks.Sum() * BlockLoop<TBlocks, TBlock, TLaw>.ChunkLength * 1e3 / elapsed;
    }

    private long Work<TBlocks, TBlock>(TBlocks shared, int index, Barrier ready)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        using TBlocks own = shared.MakeSpace();
        // Odd multiples of the seed: sequences that differ, none of them zero.
        var loop = new BlockLoop<TBlocks, TBlock, TLaw>(own, live, Xorshift64.DefaultSeed * ((2 * (ulong)index) + 1));
        for (int i = 0; i < SettlingChunks; i++)
        {
            loop.RunChunk();
        }

        ready.SignalAndWait();
        long chunks = 0;
        while (!_stop)
        {
            loop.RunChunk();
            chunks++;
        }

        loop.FreeAll();
        return chunks;
    }
}
