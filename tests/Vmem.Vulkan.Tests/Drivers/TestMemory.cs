using Silk.NET.Vulkan;
using Vmem.Samples;

namespace Vmem.Vulkan.Tests.Drivers;

/// <summary>A <see cref="GpuMemory"/> whose end is checked: the driver holds nothing for it any more, and the validation layer has found
/// nothing wrong.</summary>
internal sealed class TestMemory : IDisposable
{
    private readonly SoftwareDevice _software;
    private readonly DriverCount _count = new();
    private bool _hasEnded;

    public TestMemory(SoftwareDevice software, GpuMemoryOptions options)
    {
        _software = software;
        Memory = new GpuMemory(software.Device.Vk, software.Device.PhysicalDevice, software.Device.Device, options with
        {
            AllocationCallbacks = _count.Address,
            Leaked = leak => Leak = leak,
        });
    }

    public GpuMemory Memory { get; }

    public HeadlessDevice Device => _software.Device;

    public DriverCount Count => _count;

    public GpuLeak? Leak { get; private set; }

    /// <summary>A frame: records, submits, and goes on to the next.</summary>
    public void Frame(Action<CommandBuffer> record)
    {
        Fence fence = Memory.Frames.Begin();
        Device.Submit(Device.Record(record), fence);
        Memory.Frames.End();
    }

    /// <summary>Copies a buffer back by the device, and gives its bytes.</summary>
    public byte[] ReadBack(GpuBuffer buffer)
    {
        using GpuBuffer result = Memory.CreateBuffer(buffer.Size, BufferUsageFlags.TransferDstBit, new() { HostAccess = HostAccess.Read });
        Device.Run(commands => Copy(commands, buffer, result));
        result.Allocation.Invalidate();
        return result.Contents.ToArray();
    }

    /// <summary>Writes bytes by the device.</summary>
    public void Fill(GpuBuffer buffer, ReadOnlySpan<byte> bytes)
    {
        using GpuBuffer source = Memory.CreateBuffer(buffer.Size, BufferUsageFlags.TransferSrcBit, new() { HostAccess = HostAccess.Write });
        bytes.CopyTo(source.Contents);
        source.Allocation.Flush();
        Device.Run(commands => Copy(commands, source, buffer));
    }

    public unsafe void Copy(CommandBuffer commands, GpuBuffer source, GpuBuffer target)
    {
        var copy = new BufferCopy { Size = source.Size };
        Device.Vk.CmdCopyBuffer(commands, source.Handle, target.Handle, 1, &copy);
    }

    /// <summary>The end of the memory, before that of the test.</summary>
    public void End()
    {
        if (!_hasEnded)
        {
            _hasEnded = true;
            Device.Vk.DeviceWaitIdle(Device.Device);
            Memory.Validate();
            Memory.Dispose();
        }
    }

    public void Dispose()
    {
        End();
        long held = _count.Held;
        _count.Dispose();
        Assert.Equal(0, held);
        Assert.Empty(_software.TakeFaults());
    }
}
