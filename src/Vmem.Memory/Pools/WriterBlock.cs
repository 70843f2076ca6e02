using System.Buffers;
using Vmem.Memory.Heap;

namespace Vmem.Memory.Pools;

/// <summary>A block of a <see cref="NativeBufferWriter"/>, as a segment of what it has written.</summary>
internal sealed unsafe class WriterBlock : ReadOnlySequenceSegment<byte>, IDisposable
{
    private readonly HeapMemory<byte> _owner;

    public WriterBlock(NativeHeap heap, int size)
    {
        void* start = heap.Allocate((nuint)size);
        Start = (byte*)start;
        Length = (int)Math.Min(int.MaxValue, heap.GetSize(start));
        try
        {
            _owner = new HeapMemory<byte>(heap);
            _owner.Begin(start, Length);
        }
        catch
        {
            heap.Free(start);
            throw;
        }
    }

    public byte* Start { get; }

    /// <summary>All of the block, in bytes.</summary>
    public int Length { get; }

    /// <summary>All of the block.</summary>
    public Memory<byte> Whole => _owner.Memory;

    public WriterBlock? Following => (WriterBlock?)Next;

    /// <summary>The block is the last one from now on: all of it counts, and the sequence says how far it goes.</summary>
    public void BeginAt(long index)
    {
        RunningIndex = index;
        Memory = _owner.Memory;
        Next = null;
    }

    /// <summary>Another one follows: only what is written counts.</summary>
    public void EndAt(int written, WriterBlock next)
    {
        Memory = _owner.Memory[..written];
        next.BeginAt(RunningIndex + written);
        Next = next;
    }

    /// <summary>Gives the block back to the heap, when no pin is left.</summary>
    public void Dispose() => ((IDisposable)_owner).Dispose();
}
