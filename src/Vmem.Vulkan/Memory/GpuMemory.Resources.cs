using Silk.NET.Vulkan;
using Vmem.Vulkan.Choosing;
using Vmem.Vulkan.Memory;
using Buffer = Silk.NET.Vulkan.Buffer;

namespace Vmem.Vulkan;

// Buffers and images with their memory.
public sealed unsafe partial class GpuMemory
{
    private const BufferUsageFlags BufferCopies = BufferUsageFlags.TransferSrcBit | BufferUsageFlags.TransferDstBit;
    private const ImageUsageFlags ImageCopies = ImageUsageFlags.TransferSrcBit | ImageUsageFlags.TransferDstBit;

    /// <summary>Creates a buffer for one queue family, with memory that suits its use.</summary>
    /// <param name="size">Its length in bytes.</param>
    /// <param name="usage">What the device does with it.</param>
    /// <param name="use">What it is for.</param>
    /// <returns>The buffer.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such access or preference.</exception>
    /// <exception cref="VulkanException">There is no room, no such memory type, or the driver refuses; nothing is held.</exception>
    /// <exception cref="ObjectDisposedException">The memory was disposed of.</exception>
    public GpuBuffer CreateBuffer(ulong size, BufferUsageFlags usage, in GpuUse use = default) => CreateBuffer(new BufferCreateInfo
    {
        SType = StructureType.BufferCreateInfo,
        Size = size,
        Usage = usage,
        SharingMode = SharingMode.Exclusive,
    }, use);

    /// <summary>Creates a buffer, with memory that suits its use.</summary>
    /// <param name="info">What the buffer is like. Pointers in it are not used any more after the call.</param>
    /// <param name="use">What it is for.</param>
    /// <returns>The buffer.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such access or preference.</exception>
    /// <exception cref="VulkanException">There is no room, no such memory type, or the driver refuses; nothing is held.</exception>
    /// <exception cref="ObjectDisposedException">The memory was disposed of.</exception>
    public GpuBuffer CreateBuffer(in BufferCreateInfo info, in GpuUse use = default)
    {
        ObjectDisposedException.ThrowIf(_live.IsClosed, this);
        BufferCreateInfo mine = info;
        Buffer handle;
        VulkanException.Check(Device.Vk.CreateBuffer(Device.Handle, &mine, Device.Callbacks, &handle), "vkCreateBuffer");
        GpuAllocation? allocation = null;
        try
        {
            var dedicated = new MemoryDedicatedRequirements { SType = StructureType.MemoryDedicatedRequirements };
            var requirements = new MemoryRequirements2 { SType = StructureType.MemoryRequirements2, PNext = &dedicated };
            var question = new BufferMemoryRequirementsInfo2 { SType = StructureType.BufferMemoryRequirementsInfo2, Buffer = handle };
            Device.Vk.GetBufferMemoryRequirements2(Device.Handle, &question, &requirements);
            allocation = Meet(new GpuNeed
            {
                Requirements = requirements.MemoryRequirements,
                Kind = GpuResourceKind.Linear,
                Choice = MemoryTypeChoice.Of(use, (mine.Usage & ~BufferCopies) != 0, Device.IsIntegrated),
                Buffer = handle,
                RequiresDedicated = use.IsDedicated || dedicated.RequiresDedicatedAllocation,
                PrefersDedicated = dedicated.PrefersDedicatedAllocation,
                Name = use.Name,
            });
            VulkanException.Check(
                Device.Vk.BindBufferMemory(Device.Handle, handle, allocation.Memory, allocation.Offset), "vkBindBufferMemory");
            return new GpuBuffer(handle, mine, allocation, use.HostAccess);
        }
        catch
        {
            // The buffer is not the allocation's yet: that is the last thing to happen.
            Device.Vk.DestroyBuffer(Device.Handle, handle, Device.Callbacks);
            allocation?.Dispose();
            throw;
        }
    }

    /// <summary>Creates an image, with memory that suits its use.</summary>
    /// <param name="info">What the image is like. Pointers in it are not used any more after the call.</param>
    /// <param name="use">What it is for.</param>
    /// <returns>The image.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such access or preference.</exception>
    /// <exception cref="VulkanException">There is no room, no such memory type, or the driver refuses; nothing is held.</exception>
    /// <exception cref="ObjectDisposedException">The memory was disposed of.</exception>
    public GpuImage CreateImage(in ImageCreateInfo info, in GpuUse use = default)
    {
        ObjectDisposedException.ThrowIf(_live.IsClosed, this);
        ImageCreateInfo mine = info;
        Image handle;
        VulkanException.Check(Device.Vk.CreateImage(Device.Handle, &mine, Device.Callbacks, &handle), "vkCreateImage");
        GpuAllocation? allocation = null;
        try
        {
            var dedicated = new MemoryDedicatedRequirements { SType = StructureType.MemoryDedicatedRequirements };
            var requirements = new MemoryRequirements2 { SType = StructureType.MemoryRequirements2, PNext = &dedicated };
            var question = new ImageMemoryRequirementsInfo2 { SType = StructureType.ImageMemoryRequirementsInfo2, Image = handle };
            Device.Vk.GetImageMemoryRequirements2(Device.Handle, &question, &requirements);
            allocation = Meet(new GpuNeed
            {
                Requirements = requirements.MemoryRequirements,
                Kind = mine.Tiling == ImageTiling.Linear ? GpuResourceKind.Linear : GpuResourceKind.Optimal,
                Choice = MemoryTypeChoice.Of(use, (mine.Usage & ~ImageCopies) != 0, Device.IsIntegrated),
                Image = handle,
                RequiresDedicated = use.IsDedicated || dedicated.RequiresDedicatedAllocation,
                PrefersDedicated = dedicated.PrefersDedicatedAllocation,
                Name = use.Name,
            });
            VulkanException.Check(
                Device.Vk.BindImageMemory(Device.Handle, handle, allocation.Memory, allocation.Offset), "vkBindImageMemory");
            return new GpuImage(handle, allocation);
        }
        catch
        {
            Device.Vk.DestroyImage(Device.Handle, handle, Device.Callbacks);
            allocation?.Dispose();
            throw;
        }
    }
}
