using System.Runtime.InteropServices;
using Vmem.Platform;

namespace Vmem.Segments;

/// <summary>How tables that grow by chunks lie in memory: what is beyond the last page in use has never been touched.</summary>
internal static class NativePages
{
    /// <summary>The usual size of a page; one of another size changes a figure by a little.</summary>
    private const int Size = 4096;

    /// <summary>The system; null where it is none that is known, and tables do with what malloc gives.</summary>
    public static readonly MemorySystem? MemorySystem = MemorySystem.IsKnown ? MemorySystem.Choose() : null;

    private const nuint CacheLine = 64;
    private const nuint Given = 16;               // what malloc gives anyway: more would cost a small chunk as much again

    /// <summary>A chunk: on a cache line if it is long, and on huge pages if it is very long. Contents are undefined.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory.</exception>
    public static unsafe void* Allocate(nuint bytes)
    {
        nuint alignment = bytes < Size ? Given : bytes < HugePages.Least ? CacheLine : HugePages.Size;
        void* chunk = NativeMemory.AlignedAlloc(bytes, alignment);
        HugePages.AskFor(chunk, bytes);
        return chunk;
    }

    /// <summary>Gives the end of a block back, for which no memory is needed: if the block cannot be cut, it stays as it is.</summary>
    public static unsafe void* Shorten(void* block, nuint bytes)
    {
        try
        {
            return NativeMemory.Realloc(block, bytes);
        }
        catch (OutOfMemoryException)
        {
            return block;
        }
    }

    /// <summary>How many bytes a table takes: what was ever used of it, and all of one that is shorter than a page.</summary>
    public static long Taken(long used, long allocated) => Math.Min(allocated, Math.Max(used, Size));
}
