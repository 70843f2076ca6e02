using Silk.NET.Vulkan;

namespace Vmem.Vulkan.Calls;

/// <summary>What one vkAllocateMemory gave. Memory that the host can see stays mapped for as long as it lives.</summary>
/// <remarks>Rejected: to map for each access, counted. A mapping costs addresses, not memory; and the memory of one block can be mapped
/// only once, so that every user of a part would have to ask the block.</remarks>
internal sealed class MemoryBlock(int type, ulong size)
{
    public int Type => type;

    public ulong Size => size;

    public DeviceMemory Handle { get; set; }

    /// <summary>Where the host sees it; 0: nowhere.</summary>
    public nint Address { get; set; }
}
