using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>One turn of one allocator on several threads, each with a space of its own from the same stock, for a while. Returns million
/// allocations and frees a second, all threads together.</summary>
internal sealed class BlockThreadsExperiment<TLaw>(int threads, int live, double seconds) : IBlockExperiment<double>
    where TLaw : struct, ISizeLaw
{
    private const int SettlingChunks = 100;

    public double Run<TBlocks, TBlock>(Func<TBlocks> make)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        using TBlocks stock = make();
        TBlocks shared = stock;
        CrewTimes times = Crew.Work(threads, seconds, index => new Shift<TBlocks, TBlock>(shared, live, index));
        return times.Chunks * BlockLoop<TBlocks, TBlock, TLaw>.ChunkLength * 1e3 / times.Nanoseconds;
    }

    private readonly struct Shift<TBlocks, TBlock> : IShift
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        private readonly TBlocks _own;
        private readonly BlockLoop<TBlocks, TBlock, TLaw> _loop;

        public Shift(TBlocks stock, int live, int index)
        {
            _own = stock.MakeSpace();
            _loop = new BlockLoop<TBlocks, TBlock, TLaw>(_own, live, Xorshift64.Of(index));
        }

        public void Settle()
        {
            for (int i = 0; i < SettlingChunks; i++)
            {
                RunChunk();
            }
        }

        public void RunChunk() => _loop.RunChunk();

        public void Dispose()
        {
            _loop.FreeAll();
            _own.Dispose();
        }
    }
}
