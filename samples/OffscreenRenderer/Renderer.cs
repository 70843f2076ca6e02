using System.Runtime.InteropServices;
using Silk.NET.Vulkan;
using Vmem.Vulkan;
using Buffer = Silk.NET.Vulkan.Buffer;

namespace Vmem.Samples;

/// <summary>Draws a turning triangle into an image that no window shows, and reads it back.</summary>
internal sealed unsafe class Renderer : IDisposable
{
    private const Format PixelFormat = Format.R8G8B8A8Unorm;
    private const int BytesOfPixel = 4;

    private readonly HeadlessDevice _device;
    private readonly GpuMemory _memory;
    private readonly Extent2D _extent;
    private readonly StagingRing _ring;
    private readonly GpuImage _target;
    private readonly GpuBuffer _result;
    private readonly TrianglePipeline _pipeline;
    private ImageView _view;
    private Framebuffer _framebuffer;

    public Renderer(HeadlessDevice device, GpuMemory memory, uint width, uint height)
    {
        _device = device;
        _memory = memory;
        _extent = new Extent2D(width, height);

        // Corners are written by the host for each frame; the device reads them where they are.
        _ring = new StagingRing(memory, 4096, BufferUsageFlags.VertexBufferBit);
        _target = memory.CreateImage(new ImageCreateInfo
        {
            SType = StructureType.ImageCreateInfo,
            ImageType = ImageType.Type2D,
            Format = PixelFormat,
            Extent = new Extent3D(width, height, 1),
            MipLevels = 1,
            ArrayLayers = 1,
            Samples = SampleCountFlags.Count1Bit,
            Tiling = ImageTiling.Optimal,
            Usage = ImageUsageFlags.ColorAttachmentBit | ImageUsageFlags.TransferSrcBit,
        }, new GpuUse { Name = "target" });
        _result = memory.CreateBuffer(
            width * height * BytesOfPixel, BufferUsageFlags.TransferDstBit, new GpuUse { HostAccess = HostAccess.Read, Name = "result" });
        _pipeline = new TrianglePipeline(device, PixelFormat, _extent);
        MakeFramebuffer();
    }

    /// <summary>Draws one frame; the device may be some frames behind.</summary>
    /// <param name="turn">How far the triangle is turned, in radians.</param>
    public void Draw(float turn)
    {
        Fence fence = _memory.Frames.Begin();
        if (!_ring.TryTake(3 * TrianglePipeline.CornerSize, out StagingSlice slice))
        {
            throw new InvalidOperationException("The ring is too small for the frames under way.");
        }

        Span<float> corners = MemoryMarshal.Cast<byte, float>(slice.Contents);
        for (int i = 0; i < 3; i++)
        {
            float angle = turn + i * float.Tau / 3;
            Span<float> corner = corners[(i * 5)..];
            corner[0] = 0.8f * float.Sin(angle);
            corner[1] = -0.8f * float.Cos(angle);
            corner[2..5].Clear();
            corner[2 + i] = 1;
        }

        slice.Flush();
        (Buffer buffer, ulong offset) = (slice.Buffer, slice.Offset);
        _device.Submit(_device.Record(commands => Record(commands, buffer, offset)), fence);
        _memory.Frames.End();
    }

    /// <summary>The picture of the last frame, row by row, four bytes a pixel.</summary>
    public ReadOnlySpan<byte> Read()
    {
        _memory.Frames.WaitIdle();
        _result.Allocation.Invalidate();
        return _result.Contents;
    }

    public void Dispose()
    {
        _memory.Frames.WaitIdle();
        _device.Vk.DestroyFramebuffer(_device.Device, _framebuffer, null);
        _device.Vk.DestroyImageView(_device.Device, _view, null);
        _pipeline.Dispose();
        _result.Dispose();
        _target.Dispose();
        _ring.Dispose();
    }

    private void MakeFramebuffer()
    {
        var viewInfo = new ImageViewCreateInfo
        {
            SType = StructureType.ImageViewCreateInfo,
            Image = _target.Handle,
            ViewType = ImageViewType.Type2D,
            Format = PixelFormat,
            SubresourceRange = new ImageSubresourceRange(ImageAspectFlags.ColorBit, 0, 1, 0, 1),
        };
        ImageView view;
        HeadlessDevice.Check(_device.Vk.CreateImageView(_device.Device, &viewInfo, null, &view));
        _view = view;
        var info = new FramebufferCreateInfo
        {
            SType = StructureType.FramebufferCreateInfo,
            RenderPass = _pipeline.Pass,
            AttachmentCount = 1,
            PAttachments = &view,
            Width = _extent.Width,
            Height = _extent.Height,
            Layers = 1,
        };
        Framebuffer framebuffer;
        HeadlessDevice.Check(_device.Vk.CreateFramebuffer(_device.Device, &info, null, &framebuffer));
        _framebuffer = framebuffer;
    }

    private void Record(CommandBuffer commands, Buffer corners, ulong offset)
    {
        Vk vk = _device.Vk;
        var background = new ClearValue { Color = new ClearColorValue(0.1f, 0.1f, 0.2f, 1) };
        var begin = new RenderPassBeginInfo
        {
            SType = StructureType.RenderPassBeginInfo,
            RenderPass = _pipeline.Pass,
            Framebuffer = _framebuffer,
            RenderArea = new Rect2D { Extent = _extent },
            ClearValueCount = 1,
            PClearValues = &background,
        };
        vk.CmdBeginRenderPass(commands, &begin, SubpassContents.Inline);
        vk.CmdBindPipeline(commands, PipelineBindPoint.Graphics, _pipeline.Handle);
        vk.CmdBindVertexBuffers(commands, 0, 1, &corners, &offset);
        vk.CmdDraw(commands, 3, 1, 0, 0);
        vk.CmdEndRenderPass(commands);
        var copy = new BufferImageCopy
        {
            ImageSubresource = new ImageSubresourceLayers(ImageAspectFlags.ColorBit, 0, 0, 1),
            ImageExtent = new Extent3D(_extent.Width, _extent.Height, 1),
        };
        vk.CmdCopyImageToBuffer(commands, _target.Handle, ImageLayout.TransferSrcOptimal, _result.Handle, 1, &copy);

        // The host reads the copy; the next frame writes it again.
        var barrier = new MemoryBarrier
        {
            SType = StructureType.MemoryBarrier,
            SrcAccessMask = AccessFlags.TransferWriteBit,
            DstAccessMask = AccessFlags.HostReadBit | AccessFlags.TransferWriteBit,
        };
        const PipelineStageFlags Readers = PipelineStageFlags.HostBit | PipelineStageFlags.TransferBit;
        vk.CmdPipelineBarrier(commands, PipelineStageFlags.TransferBit, Readers, 0, 1, &barrier, 0, null, 0, null);
    }
}
