using System.Diagnostics;
using Silk.NET.Vulkan;
using Vmem.Vulkan.Calls;
using Vmem.Vulkan.Memory;
using Buffer = Silk.NET.Vulkan.Buffer;

namespace Vmem.Vulkan;

/// <summary>A buffer with memory.</summary>
[DebuggerDisplay("buffer of {Size} bytes: {Allocation.Name}")]
public sealed unsafe class GpuBuffer : IGpuResource, IDisposable
{
    private const BufferUsageFlags BothWays = BufferUsageFlags.TransferSrcBit | BufferUsageFlags.TransferDstBit;

    // What points into it would go on pointing to its old place: addresses, and objects that the program made in it.
    private const BufferUsageFlags PointedTo = BufferUsageFlags.ShaderDeviceAddressBit
        | BufferUsageFlags.AccelerationStructureStorageBitKhr | BufferUsageFlags.MicromapStorageBitExt;

    private readonly BufferCreateInfo _info;

    internal GpuBuffer(Buffer handle, in BufferCreateInfo info, GpuAllocation allocation, HostAccess access)
    {
        Handle = handle;
        _info = info;
        Allocation = allocation;
        IsMovable = access == HostAccess.None && !allocation.IsDedicated
            && info.PNext == null && info.Flags == 0 && info.SharingMode == SharingMode.Exclusive
            && info.Usage.HasFlag(BothWays) && (info.Usage & PointedTo) == 0;
        allocation.Resource = this;
    }

    /// <summary>The handle. <see cref="GpuMoves.Commit"/> changes it if the buffer was moved.</summary>
    public Buffer Handle { get; private set; }

    /// <summary>Its memory.</summary>
    public GpuAllocation Allocation { get; }

    /// <summary>Its length in bytes.</summary>
    public ulong Size => _info.Size;

    /// <summary>What it is used for.</summary>
    public BufferUsageFlags Usage => _info.Usage;

    /// <summary>Whether <see cref="GpuMoves"/> may move it: the host does not access it, it can be copied from and to, and no shader knows
    /// its address. It holds no acceleration structures or micromaps, was made without flags or further structures, one queue family owns
    /// it, and its memory is not dedicated.</summary>
    public bool IsMovable { get; }

    /// <summary>Its bytes, as the host sees them: see <see cref="GpuAllocation.Contents"/>.</summary>
    /// <exception cref="InvalidOperationException">The host does not see this memory, or it is longer than a span can be.</exception>
    /// <exception cref="ObjectDisposedException">It was freed.</exception>
    public Span<byte> Contents => Allocation.Contents;

    Buffer IGpuResource.Buffer => Handle;

    Image IGpuResource.Image => default;

    /// <summary>Destroys it, and frees its memory, when the device has done the current frame: see
    /// <see cref="GpuMemory.Frames"/>.</summary>
    /// <exception cref="InvalidFreeException">It was freed already; nothing was changed.</exception>
    public void Retire() => Allocation.Retire();

    /// <summary>Destroys it, and frees its memory, at once. Idempotent.</summary>
    public void Dispose() => Allocation.Dispose();

    /// <summary>Another buffer with the same properties, without memory.</summary>
    internal Buffer CreateTwin()
    {
        Buffer twin;
        BufferCreateInfo info = _info;
        GpuDevice device = Allocation.Owner.Device;
        VulkanException.Check(device.Vk.CreateBuffer(device.Handle, &info, device.Callbacks, &twin), "vkCreateBuffer");
        return twin;
    }

    /// <summary>The contents are elsewhere from now on.</summary>
    internal void MoveTo(Buffer handle, in GpuPlace place)
    {
        Handle = handle;
        Allocation.Place = place;
    }
}
