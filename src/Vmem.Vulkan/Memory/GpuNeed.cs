using Silk.NET.Vulkan;
using Vmem.Vulkan.Choosing;
using Buffer = Silk.NET.Vulkan.Buffer;

namespace Vmem.Vulkan.Memory;

/// <summary>What an allocation must be like.</summary>
internal readonly ref struct GpuNeed
{
    public required MemoryRequirements Requirements { get; init; }

    public required GpuResourceKind Kind { get; init; }

    public required MemoryTypeChoice Choice { get; init; }

    /// <summary>The buffer or the image that a block of its own is dedicated to.</summary>
    public Buffer Buffer { get; init; }

    public Image Image { get; init; }

    /// <summary>A block of its own, or nothing.</summary>
    public bool RequiresDedicated { get; init; }

    /// <summary>A block of its own, if there is one to be had.</summary>
    public bool PrefersDedicated { get; init; }

    public string? Name { get; init; }
}
