using System.Diagnostics;

namespace Vmem.Vulkan;

/// <summary>What may be used of a heap, and what is.</summary>
/// <param name="HeapIndex">The heap.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Budget">How much of it the process may use before the driver refuses or pages, in bytes. With VK_EXT_memory_budget what the
/// driver says, else 80 % of the size.</param>
/// <param name="Usage">How much of it the process uses, in bytes: with VK_EXT_memory_budget what the driver says, others' memory included;
/// else <paramref name="BlockBytes"/>.</param>
/// <param name="BlockBytes">How much of it this <see cref="GpuMemory"/> has taken, in bytes, dedicated allocations included.</param>
[DebuggerDisplay("heap {HeapIndex}: {Usage} of {Budget} bytes, {BlockBytes} in blocks")]
public readonly record struct GpuHeapBudget(int HeapIndex, ulong Size, ulong Budget, ulong Usage, ulong BlockBytes);
