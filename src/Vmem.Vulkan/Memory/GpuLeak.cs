using System.Diagnostics;

namespace Vmem.Vulkan;

/// <summary>What was never freed when a <see cref="GpuMemory"/> was disposed of. It is freed nevertheless, handles included.</summary>
/// <param name="MemoryName">The name of the <see cref="GpuMemory"/>.</param>
/// <param name="Allocations">How many allocations.</param>
/// <param name="Size">Their total size in bytes, as they were asked for.</param>
/// <param name="First">The oldest of them, at most 16.</param>
[DebuggerDisplay("{MemoryName}: {Allocations} allocations, {Size} bytes")]
public sealed record GpuLeak(string MemoryName, long Allocations, ulong Size, IReadOnlyList<GpuLeakedAllocation> First);

/// <summary>An allocation that was never freed.</summary>
/// <param name="Name">Its name; null: it has none.</param>
/// <param name="Kind">What lay in it.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="MemoryTypeIndex">Its memory type.</param>
[DebuggerDisplay("{Name}: {Size} bytes, type {MemoryTypeIndex}")]
public sealed record GpuLeakedAllocation(string? Name, GpuResourceKind Kind, ulong Size, int MemoryTypeIndex);
