using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>Where the records of a heap's slabs lie: in chunks that go with the heap, all at once.</summary>
/// <remarks>A record that is not needed any more stays with its class for the next slab. What is bounded is what was needed at the same
/// time.</remarks>
internal sealed unsafe class SlabRecords
{
    // The records of 341 slabs of blocks of 64 bytes: 21 MiB of blocks.
    private const nuint ChunkSize = 64 * 1024;

    private readonly Gate _gate = new();
    private byte* _chunk;                         // the newest; each begins with the address of the one before
    private nuint _used;

    /// <summary>A record, not initialised. Throws <see cref="OutOfMemoryException"/>.</summary>
    public Slab* Take(int capacity)
    {
        nuint size = (Slab.BytesFor(capacity) + 7) & ~(nuint)7;
        using (_gate.EnterScope())
        {
            if (_chunk is null || size > ChunkSize - _used)
            {
                var chunk = (byte*)NativeMemory.Alloc(ChunkSize);
                *(byte**)chunk = _chunk;
                _chunk = chunk;
                _used = (nuint)sizeof(byte*);
            }

            byte* record = _chunk + _used;
            _used += size;
            return (Slab*)record;
        }
    }

    public void Dispose()
    {
        for (byte* chunk = _chunk, older; chunk is not null; chunk = older)
        {
            older = *(byte**)chunk;
            NativeMemory.Free(chunk);
        }

        _chunk = null;
    }
}
