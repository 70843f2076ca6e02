using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Blocks;

namespace Vmem.Benchmarks.Workloads;

/// <summary>
/// What one thread does with blocks of memory: it keeps so many and replaces them at random; or it keeps none and frees each block at once,
/// which is the pair. The first word of each block is written, for no program allocates memory for the sake of its address: an allocator
/// that keeps its lists in the blocks touches them anyhow, and must not look the slower for it.
/// </summary>
/// <remarks>The timed loops are methods of a thousand steps, called often: what is timed is fully optimised code.</remarks>
internal sealed class BlockLoop<TBlocks, TBlock, TLaw>
    where TBlocks : struct, IBlocks<TBlocks, TBlock>
    where TBlock : struct, IBlock
    where TLaw : struct, ISizeLaw
{
    /// <summary>Allocations, and frees, in a call of <see cref="RunChunk"/>.</summary>
    public const int ChunkLength = 1_000;

    private readonly TBlocks _blocks;
    private readonly TBlock[] _live;
    private Xorshift64 _random;

    /// <param name="blocks">The allocator.</param>
    /// <param name="live">How many blocks it keeps; 0: each is freed at once.</param>
    /// <param name="random">Which block is replaced and how large the next is.</param>
    public BlockLoop(TBlocks blocks, int live, Xorshift64 random)
    {
        _blocks = blocks;
        _live = new TBlock[live];
        _random = random;
        foreach (ref TBlock slot in _live.AsSpan())
        {
            slot = blocks.Allocate((nuint)TLaw.Draw(ref _random));
        }
    }

    /// <summary>A thousand allocations and frees.</summary>
    public void RunChunk()
    {
        if (_live.Length == 0)
        {
            PairChunk();
        }
        else
        {
            ReplaceChunk();
        }
    }

    public void FreeAll()
    {
        foreach (TBlock block in _live)
        {
            _blocks.Free(block);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void PairChunk()
    {
        TBlocks blocks = _blocks;
        Xorshift64 random = _random;
        for (int i = 0; i < ChunkLength; i++)
        {
            TBlock block = blocks.Allocate((nuint)TLaw.Draw(ref random));
            block.Write(i);
            blocks.Free(block);
        }

        _random = random;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReplaceChunk()
    {
        TBlocks blocks = _blocks;
        TBlock[] live = _live;
        Xorshift64 random = _random;
        for (int i = 0; i < ChunkLength; i++)
        {
            ref TBlock slot = ref live[random.Index(live.Length)];
            blocks.Free(slot);
            TBlock block = blocks.Allocate((nuint)TLaw.Draw(ref random));
            block.Write(i);
            slot = block;
        }

        _random = random;
    }
}
