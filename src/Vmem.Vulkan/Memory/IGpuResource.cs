using Silk.NET.Vulkan;
using Buffer = Silk.NET.Vulkan.Buffer;

namespace Vmem.Vulkan.Memory;

/// <summary>What lies in an allocation, and is destroyed before it is freed.</summary>
internal interface IGpuResource
{
    /// <summary>Its handle, if it is a buffer.</summary>
    Buffer Buffer { get; }

    /// <summary>Its handle, if it is an image.</summary>
    Image Image { get; }
}
