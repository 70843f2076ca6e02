using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>How a <see cref="NativeHeap"/> is made.</summary>
[DebuggerDisplay("{Name,nq}: limit {Limit}")]
public sealed record NativeHeapOptions
{
    /// <summary>The heap's name in messages and metrics.</summary>
    public string Name { get; init; } = "heap";

    /// <summary>The most, in bytes, that the heap may ever hold. Rounded down to whole pages, of which there is one at least. 0, the
    /// default: what the machine or the container has, and what the process has of address space for all its heaps.</summary>
    public nuint Limit { get; init; }

    /// <summary>Asks the system for huge pages (<see cref="VirtualMemory.TryAdviseHuge"/>). The first use of memory then costs a fraction,
    /// and so do accesses that are scattered over much of it; but memory is taken by 2 MiB at a time, and a huge page of which parts are
    /// given back becomes small ones again. Off by default; without effect where the system has none.</summary>
    public bool HugePages { get; init; }

    /// <summary>What the heap does to find mistakes in its use. Null, the default: what the environment says
    /// (<see cref="HeapDebugging.FromEnvironment"/>), which is nothing unless VMEM_DEBUG is set.</summary>
    public HeapDebugging? Debugging { get; init; }

    /// <summary>Every block starts at a multiple of this many bytes: a power of two of at most 4,096. 0, the default: what
    /// <see cref="NativeHeap.Allocate"/> says, 16 where the size is at most 64 or a multiple of 16, else 8. 16 is what C promises of
    /// malloc: for a library that stores vectors in blocks of any size. At 16, blocks of 65 to 127
    /// bytes become up to a ninth longer, and sizes that are rounded up for it take some nanoseconds more.
    /// (C# has no more to gain: an object that needs 16 has a size that is a multiple of it.)</summary>
    public nuint MinimumAlignment { get; init; }

    /// <summary>The most bytes of free pages that keep their memory for the next request. When a large block is freed or becomes shorter,
    /// or an interval ends, and there are more, they go back to the system until half of this is kept. No bound by default: they go back
    /// when nobody needed them for <see cref="RetainedInterval"/>. 0 keeps none: each large block that is freed costs a system call, and
    /// the next one page faults.</summary>
    public nuint RetainedBytes { get; init; } = nuint.MaxValue;

    /// <summary>How long free pages keep their memory, and magazines their blocks, when nobody needs them. 15 seconds by default. The heap
    /// looks once in each interval: what nobody needed for all of one goes at its end, so after one at least and two at most. Blocks of a
    /// magazine make pages free first. When the heap takes more memory than it ever had, as much of what is free goes at once.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: until <see cref="NativeHeap.Trim"/>, or until memory is
    /// short. Another one than the default has a timer for this heap.</summary>
    public TimeSpan RetainedInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// The caller promises never to free a block twice, nor what is no block. False, the default: every free is checked, and a wrong one
    /// is an <see cref="InvalidFreeException"/> that changes nothing. True saves about a nanosecond for an allocation and its free.
    /// </summary>
    /// <remarks>A broken promise hands one block to two owners, or gives out memory that another block lies in. Each then writes over the
    /// other's data, without a word. It may be found much later, by <see cref="NativeHeap.Trim"/> or <see cref="NativeHeap.Validate"/>.
    /// Without effect with <see cref="Debugging"/>, which checks everything.</remarks>
    public bool TrustCaller { get; init; }

    /// <summary>Told of each call through <see cref="NativeHeap.Functions"/> that was refused, as a free of what is no block: on the thread
    /// that called. What it throws is ignored.</summary>
    public Action<Exception>? CallbackRefused { get; init; }

    /// <summary>What tells the time to the upkeep; by default the system's clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
