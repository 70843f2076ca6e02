namespace Vmem.Memory.Heap;

/// <summary>Blocks of whole pages, straight from the heap's space.</summary>
internal sealed class LargeBlocks(HeapSpace space)
{
    private long _bytes;
    private long _count;
    private long _taken;

    /// <summary>The bytes of live blocks.</summary>
    public nuint Bytes => (nuint)Interlocked.Read(ref _bytes);

    /// <summary>Live blocks.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Blocks that were ever taken.</summary>
    public long Taken => Interlocked.Read(ref _taken);

    /// <inheritdoc cref="IHeapLayer.Take"/>
    public nuint Take(nuint size, nuint alignment, bool clear, out bool isZero)
    {
        isZero = false;
        if (size > space.Size || alignment > space.Size)
        {
            return 0;
        }

        nuint length = HeapSpace.RoundUp(size);
        if (!space.TryAllocate(length, alignment, clear, out nuint start, out isZero))
        {
            return 0;
        }

        _ = Interlocked.Add(ref _bytes, (long)length);
        _ = Interlocked.Increment(ref _count);
        _ = Interlocked.Increment(ref _taken);
        return start;
    }

    public void Free(nuint block, nuint size)
    {
        space.Free(block, size);
        _ = Interlocked.Add(ref _bytes, -(long)size);
        _ = Interlocked.Decrement(ref _count);
    }

    /// <summary>Resizes a block where it lies, if the pages behind it allow it.</summary>
    public bool TryResize(nuint block, nuint old, nuint size)
    {
        nuint length = size > space.Size ? 0 : HeapSpace.RoundUp(size);
        if (length == old)
        {
            return true;
        }

        if (length == 0 || !space.TryExtend(block, old, length))
        {
            return false;
        }

        _ = Interlocked.Add(ref _bytes, (long)length - (long)old);
        return true;
    }
}
