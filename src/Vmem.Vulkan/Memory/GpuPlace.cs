using Vmem.Vulkan.Blocks;
using Vmem.Vulkan.Calls;

namespace Vmem.Vulkan.Memory;

/// <summary>Where an allocation lies.</summary>
/// <param name="Block">The block.</param>
/// <param name="Pool">The memory type whose block it is; null: the block is dedicated.</param>
/// <param name="Address">The address in the pool's arena.</param>
internal readonly record struct GpuPlace(MemoryBlock Block, MemoryTypePool? Pool, ulong Address)
{
    public ulong Offset => Pool is null ? 0 : BlockTable.OffsetOf(Address);
}
