using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Studies;

/// <summary>One turn of one allocator: a thread allocates blocks of 64 bytes and sends them through a ring, another frees them. Elapsed
/// nanoseconds for a block, and the managed bytes of both threads.</summary>
internal sealed class BlockHandoverExperiment(int batches) : IBlockExperiment<BlockTimes>
{
    private const nuint Size = 64;
    private const int SettlingBatches = 500;

    public BlockTimes Run<TBlocks, TBlock>(Func<TBlocks> make)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        using TBlocks blocks = make();
        TBlocks shared = blocks;
        var ring = new BlockRing<TBlock>();
        CrewTimes times = Crew.HandOver(SettlingBatches, batches, () => Fill(shared, ring), () => Empty(shared, ring));
        double handedOver = (double)batches * BlockRing<TBlock>.BlockLength;
        return new BlockTimes(times.Nanoseconds / handedOver, times.ManagedBytes / handedOver);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fill<TBlocks, TBlock>(TBlocks blocks, BlockRing<TBlock> ring)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        TBlock[] batch = ring.AwaitRoom();
        for (int i = 0; i < batch.Length; i++)
        {
            batch[i] = blocks.Allocate(Size);
            batch[i].Write(i);
        }

        ring.Publish();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Empty<TBlocks, TBlock>(TBlocks blocks, BlockRing<TBlock> ring)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        foreach (TBlock block in ring.AwaitBlock())
        {
            blocks.Free(block);
        }

        ring.Consume();
    }
}
