using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>What a heap holds and has done; amounts in bytes.</summary>
[DebuggerDisplay("{InUse} bytes in {LiveBlocks} blocks, {Held} held, {Resident} resident")]
public readonly record struct NativeHeapStatistics
{
    /// <summary>The address space that the heap may use: its limit, or what all heaps of the process have now.</summary>
    public nuint Reserved { get; init; }

    /// <summary>What is the heap's and is backed by memory as soon as it is touched.</summary>
    public nuint Committed { get; init; }

    /// <summary>What takes memory now, as the system counts it. (What was swapped out does not.)</summary>
    public nuint Resident { get; init; }

    /// <summary>Free pages that may still take memory, ready for the next request. <see cref="NativeHeap.Trim"/> gives them back.</summary>
    public nuint Dirty { get; init; }

    /// <summary>How much of its memory the heap has given back to the system since it was made: by <see cref="NativeHeap.Trim"/>, after
    /// <see cref="NativeHeapOptions.RetainedInterval"/>, beyond <see cref="NativeHeapOptions.RetainedBytes"/>, as it grew, and when
    /// memory was short. If it rises as fast as the heap is used, the same pages go and come again: it should keep more.</summary>
    public nuint Decommitted { get; init; }

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
