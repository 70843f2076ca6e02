using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>What an allocation and a free of a block cost.</summary>
/// <param name="OneThread">In nanoseconds of processor time.</param>
/// <param name="TwoThreads">Elapsed nanoseconds of one of two threads that do it at the same time.</param>
/// <param name="ManagedBytes">Managed memory allocated for both, by one thread.</param>
internal readonly record struct BlockCosts(double OneThread, double TwoThreads, double ManagedBytes);

/// <summary>One turn of one allocator, on one thread and then on two.</summary>
internal sealed class BlockCostsExperiment<TLaw>(int live, double seconds) : IBlockExperiment<BlockCosts>
    where TLaw : struct, ISizeLaw
{
    private const int Threads = 2;

    private readonly BlockTimesExperiment<TLaw> _one = new(live);
    private readonly BlockThreadsExperiment<TLaw> _two = new(Threads, live, seconds);

    public BlockCosts Run<TBlocks, TBlock>(Func<TBlocks> make)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        BlockTimes one = _one.Run<TBlocks, TBlock>(make);
        double millions = _two.Run<TBlocks, TBlock>(make);
        return new BlockCosts(one.Nanoseconds, Threads * 1e3 / millions, one.ManagedBytes);
    }
}
