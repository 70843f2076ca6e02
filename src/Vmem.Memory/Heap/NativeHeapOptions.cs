namespace Vmem.Memory;

/// <summary>How a <see cref="NativeHeap"/> is made.</summary>
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

    /// <summary>What tells the time to the upkeep; by default the system's clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
