namespace Vmem.Memory;

/// <summary>What a heap holds and has done; amounts in bytes.</summary>
public readonly record struct NativeHeapStatistics
{
    /// <summary>Address space.</summary>
    public nuint Reserved { get; init; }

    /// <summary>Of that, what is backed by memory as soon as it is touched.</summary>
    public nuint Committed { get; init; }

    /// <summary>What slabs and large blocks take of it.</summary>
    public nuint Held { get; init; }

    /// <summary>What the heap's users hold, rounding included.</summary>
    public nuint InUse { get; init; }

    /// <summary>What lies in magazines, ready for use.</summary>
    public nuint Cached { get; init; }

    /// <summary>Freed blocks that are kept from being handed out again, red zones included
    /// (<see cref="HeapDebugging.Quarantine"/>).</summary>
    public nuint Quarantined { get; init; }

    /// <summary>Blocks that the heap's users hold.</summary>
    public long LiveBlocks { get; init; }

    /// <summary>Slabs, each cut into blocks of one size.</summary>
    public long Slabs { get; init; }

    /// <summary>Large blocks that users hold.</summary>
    public long LargeBlocks { get; init; }

    /// <summary>Blocks that were ever allocated; one that was moved to be resized counts once more.</summary>
    public long Allocations { get; init; }

    /// <summary>Blocks that were freed.</summary>
    public long Frees { get; init; }

    /// <summary>Requests that found no room.</summary>
    public long Failures { get; init; }

    /// <summary>Calls through <see cref="NativeHeap.Functions"/> that were refused: mostly as wrong, which is a mistake of the library
    /// that called.</summary>
    public long RefusedCallbacks { get; init; }
}
