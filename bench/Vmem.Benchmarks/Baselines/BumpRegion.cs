using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Benchmarks.Baselines;

/// <summary>
/// The least that a space which is freed as a whole can be: chunks of 64 KiB, a pointer that moves through the last of them, and a list of
/// chunks to give back. It keeps no size, checks nothing and frees no block by itself.
/// </summary>
internal sealed unsafe class BumpRegion(ChunkStock stock)
{
    private readonly List<nint> _chunks = [];
    private byte* _next;
    private byte* _end;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Allocate(nuint size)
    {
        nuint rounded = (size + 15) & ~(nuint)15;
        if ((nuint)(_end - _next) < rounded)
        {
            TakeChunk();
        }

        byte* block = _next;
        _next += rounded;
        return block;
    }

    /// <summary>Gives every chunk back: O(chunks), and touches none of them.</summary>
    public void Drop()
    {
        foreach (nint chunk in _chunks)
        {
            stock.Give(chunk);
        }

        _chunks.Clear();
        _next = _end = null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TakeChunk()
    {
        nint chunk = stock.Take();
        _chunks.Add(chunk);
        _next = (byte*)chunk;
        _end = _next + ChunkStock.ChunkBytes;
    }
}

/// <summary>A piece of memory in chunks of 64 KiB, the last given back taken first.</summary>
internal sealed unsafe class ChunkStock : IDisposable
{
    public const int ChunkBytes = 64 << 10;

    private readonly void* _memory;
    private readonly Stack<nint> _free;

    public ChunkStock(int chunks)
    {
        _memory = NativeMemory.AlignedAlloc((nuint)chunks * ChunkBytes, ChunkBytes);
        _free = new Stack<nint>(chunks);
        for (int i = chunks - 1; i >= 0; i--)
        {
            _free.Push((nint)_memory + (nint)((long)i * ChunkBytes));
        }
    }

    public nint Take() => _free.Pop();

    public void Give(nint chunk) => _free.Push(chunk);

    public void Dispose() => NativeMemory.AlignedFree(_memory);
}
