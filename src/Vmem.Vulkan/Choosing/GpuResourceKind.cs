namespace Vmem.Vulkan;

/// <summary>What lies in an allocation: bufferImageGranularity keeps both kinds in pages of their own.</summary>
public enum GpuResourceKind
{
    /// <summary>A buffer, or an image with linear tiling.</summary>
    Linear = 1,

    /// <summary>An image with optimal tiling.</summary>
    Optimal = 2,
}
