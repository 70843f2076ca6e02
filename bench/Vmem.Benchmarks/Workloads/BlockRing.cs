using System.Runtime.InteropServices;

namespace Vmem.Benchmarks.Workloads;

/// <summary>A ring of blocks of objects from one thread to one other, cheap enough to say little about itself: an index of each side, on
/// lines of their own, is written once a block.</summary>
internal sealed class BlockRing<TItem>
{
    /// <summary>Objects in a block.</summary>
    public const int BlockLength = 256;

    /// <summary>Blocks in the ring.</summary>
    public const int Blocks = 8;

    private readonly TItem[][] _blocks = new TItem[Blocks][];
    private RingIndexes _indexes;

    public BlockRing()
    {
        for (int i = 0; i < Blocks; i++)
        {
            _blocks[i] = new TItem[BlockLength];
        }
    }

    /// <summary>The block to fill next; <see cref="Publish"/> hands it over.</summary>
    public TItem[] AwaitRoom()
    {
        var spinner = new SpinWait();
        while (_indexes.Written - Volatile.Read(ref _indexes.Read) == Blocks)
        {
            spinner.SpinOnce(sleep1Threshold: -1);
        }

        return _blocks[_indexes.Written % Blocks];
    }

    public void Publish() => Volatile.Write(ref _indexes.Written, _indexes.Written + 1);

    /// <summary>The block to empty next; <see cref="Consume"/> gives it back.</summary>
    public TItem[] AwaitBlock()
    {
        var spinner = new SpinWait();
        while (Volatile.Read(ref _indexes.Written) == _indexes.Read)
        {
            spinner.SpinOnce(sleep1Threshold: -1);
        }

        return _blocks[_indexes.Read % Blocks];
    }

    public void Consume() => Volatile.Write(ref _indexes.Read, _indexes.Read + 1);
}

/// <summary>How many blocks were written and read, each on lines of its own.</summary>
[StructLayout(LayoutKind.Explicit, Size = 384)]
internal struct RingIndexes
{
    [FieldOffset(128)]
    public int Written;

    [FieldOffset(256)]
    public int Read;
}
