using System.Diagnostics;
using Silk.NET.Vulkan;
using Vmem.Vulkan.Memory;
using Buffer = Silk.NET.Vulkan.Buffer;

namespace Vmem.Vulkan;

/// <summary>An image with memory.</summary>
[DebuggerDisplay("image of {Allocation.Size} bytes: {Allocation.Name}")]
public sealed class GpuImage : IGpuResource, IDisposable
{
    internal GpuImage(Image handle, GpuAllocation allocation)
    {
        Handle = handle;
        Allocation = allocation;
        allocation.Resource = this;
    }

    /// <summary>The handle.</summary>
    public Image Handle { get; }

    /// <summary>Its memory.</summary>
    public GpuAllocation Allocation { get; }

    Buffer IGpuResource.Buffer => default;

    Image IGpuResource.Image => Handle;

    /// <summary>Destroys it, and frees its memory, when the device has done the current frame: see
    /// <see cref="GpuMemory.Frames"/>.</summary>
    /// <exception cref="InvalidFreeException">It was freed already; nothing was changed.</exception>
    public void Retire() => Allocation.Retire();

    /// <summary>Destroys it, and frees its memory, at once. Idempotent.</summary>
    public void Dispose() => Allocation.Dispose();
}
