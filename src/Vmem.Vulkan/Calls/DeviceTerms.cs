namespace Vmem.Vulkan.Calls;

/// <summary>How memory may be taken from a device.</summary>
/// <param name="Callbacks">The address of a VkAllocationCallbacks; 0: none.</param>
/// <param name="HasBudget">Whether VK_EXT_memory_budget is enabled.</param>
/// <param name="StaysWithinBudget">Whether no block is taken that the budget has no room for.</param>
/// <param name="DeviceAddress">Whether shaders may know the addresses of buffers.</param>
/// <param name="HeapLimits">The most to take of each heap, in bytes; 0: no limit.</param>
internal sealed record DeviceTerms(
    nint Callbacks, bool HasBudget, bool StaysWithinBudget, bool DeviceAddress, IReadOnlyList<ulong> HeapLimits);
