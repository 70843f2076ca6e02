using System.Runtime.CompilerServices;

namespace Vmem.Benchmarks.Blocks;

/// <summary>The timed loops over many blocks: short methods called often, so that they are fully optimised code.</summary>
internal static class BlockLoops
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Fill<TBlocks, TBlock>(TBlocks blocks, Span<TBlock> live, nuint size)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        for (int i = 0; i < live.Length; i++)
        {
            TBlock block = blocks.Allocate(size);
            block.Write(i);
            live[i] = block;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Free<TBlocks, TBlock>(TBlocks blocks, Span<TBlock> live)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        for (int i = 0; i < live.Length; i++)
        {
            blocks.Free(live[i]);
        }
    }
}
