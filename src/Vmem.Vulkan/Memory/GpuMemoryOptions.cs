using System.Diagnostics;

namespace Vmem.Vulkan;

/// <summary>How a <see cref="GpuMemory"/> behaves; fixed when it is made.</summary>
[DebuggerDisplay("{Name}, blocks of {BlockSize}")]
public sealed record GpuMemoryOptions
{
    /// <summary>A name for messages, dumps and metrics.</summary>
    public string Name { get; init; } = "gpu";

    /// <summary>The size of a block in the long run, in bytes; the first ones are smaller. 0: 256 MiB, or an eighth of a heap of at most
    /// 1 GiB. What is larger than half of it gets a block of its own, if there is one to be had.</summary>
    public ulong BlockSize { get; init; }

    /// <summary>Which free range of a block serves a request.</summary>
    public FitPolicy Policy { get; init; } = FitPolicy.InstantFit;

    /// <summary>How many frames may be under way at once, at least 1: see <see cref="GpuFrames"/>.</summary>
    public int FramesInFlight { get; init; } = 3;

    /// <summary>VK_EXT_memory_budget is enabled on the device: the driver says what may be used. Else 80 % of each heap may, and what this
    /// object has taken counts as used.</summary>
    public bool HasMemoryBudget { get; init; }

    /// <summary>Takes no block that the budget has no room for. A request then fails where the driver might have paged memory
    /// out.</summary>
    public bool StaysWithinBudget { get; init; }

    /// <summary>The feature bufferDeviceAddress is enabled on the device: shaders may know the addresses of buffers.</summary>
    public bool HasBufferDeviceAddress { get; init; }

    /// <summary>The most to take of each heap, in bytes, by its number. 0, or no entry: no limit.</summary>
    public IReadOnlyList<ulong> HeapLimits { get; init; } = [];

    /// <summary>The least bufferImageGranularity, a power of two: to test on a device that has none what happens on one that has. 0: that
    /// of the device.</summary>
    public ulong MinBufferImageGranularity { get; init; }

    /// <summary>The address of a VkAllocationCallbacks that outlives this object; every call of the driver gets it. 0: none.</summary>
    public nint AllocationCallbacks { get; init; }

    /// <summary>Called by <see cref="GpuMemory.Dispose"/> with what was never freed, after everything has been given back. Null: nobody
    /// wants to know.</summary>
    public Action<GpuLeak>? Leaked { get; init; }
}
