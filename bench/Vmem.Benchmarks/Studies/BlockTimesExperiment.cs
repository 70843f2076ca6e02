using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>What an allocation and a free of a block cost.</summary>
/// <param name="Nanoseconds">Both together, generator and the caller's array included.</param>
/// <param name="ManagedBytes">Managed memory allocated for both.</param>
internal readonly record struct BlockTimes(double Nanoseconds, double ManagedBytes);

/// <summary>One turn of one allocator on one thread: half a million allocations and frees after the allocator has settled,
/// by the thread's processor time: milliseconds in which another process has the processor are not the allocator's.</summary>
internal sealed class BlockTimesExperiment<TLaw>(int live) : IBlockExperiment<BlockTimes>
    where TLaw : struct, ISizeLaw
{
    private const int Chunks = 500;

    // With 10,000 live blocks each has then been replaced ten times.
    private const int SettlingChunks = 100;

    public BlockTimes Run<TBlocks, TBlock>(Func<TBlocks> make)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        using TBlocks blocks = make();
        var loop = new BlockLoop<TBlocks, TBlock, TLaw>(blocks, live, Xorshift64.Of(thread: 0));
        RunChunks(loop, SettlingChunks);
        // A context's tables may start a collection in the background. It would take time, and if it ended meanwhile, what is left of the
        // thread's allocation buffer would be counted as allocated.
        GC.Collect();
        long before = GC.GetAllocatedBytesForCurrentThread();
        long begin = ThreadClock.Now();
        RunChunks(loop, Chunks);
        double elapsed = ThreadClock.Now() - begin;
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        loop.FreeAll();
        const double Operations = (double)Chunks * BlockLoop<TBlocks, TBlock, TLaw>.ChunkLength;
        return new BlockTimes(elapsed / Operations, bytes / Operations);
    }

    private static void RunChunks<TBlocks, TBlock>(BlockLoop<TBlocks, TBlock, TLaw> loop, int chunks)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        for (int i = 0; i < chunks; i++)
        {
            loop.RunChunk();
        }
    }
}
