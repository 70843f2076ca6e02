using System.Buffers;
using Apache.Arrow.Memory;
using Vmem.Memory;

namespace Vmem.Samples;

/// <summary>Arrow's buffers in a heap: with its limit, its figures and its debugging.</summary>
internal sealed class HeapMemoryAllocator(NativeHeap heap) : MemoryAllocator(CacheLine), IDisposable
{
    private const int CacheLine = 64;             // what Arrow's format recommends

    private readonly NativeMemoryPool<byte> _pool = new(heap, new NativeMemoryPoolOptions { Name = "arrow", Alignment = CacheLine });

    /// <summary>Ends the allocator; buffers that live stay valid.</summary>
    public void Dispose() => _pool.Dispose();

    protected override IMemoryOwner<byte> AllocateInternal(int length, out int bytesAllocated)
    {
        bytesAllocated = length;
        return new Part(_pool.Rent(length), length);
    }

    /// <summary>As long as was asked for: Arrow takes the length of the memory for that of the buffer. Zeroed, as Arrow expects
    /// it.</summary>
    private sealed class Part : IMemoryOwner<byte>
    {
        private readonly IMemoryOwner<byte> _block;
        private readonly int _length;

        public Part(IMemoryOwner<byte> block, int length)
        {
            (_block, _length) = (block, length);
            Memory.Span.Clear();
        }

        public Memory<byte> Memory => _block.Memory[.._length];

        public void Dispose() => _block.Dispose();
    }
}
