using Silk.NET.Vulkan;
using Vmem.Samples;
using Vmem.Vulkan.Tests.Drivers;

namespace Vmem.Vulkan.Tests.Memory;

/// <summary>The driver runs out of host memory at each of its requests in turn: whatever throws leaves nothing behind.</summary>
[Collection(SoftwareDeviceTests.Name)]
public class FailureTests(SoftwareDevice software)
{
    [Fact]
    public void A_call_that_fails_holds_nothing()
    {
        _ = software.Device;                      // skips where there is none
        using var vk = Vk.GetApi();
        using HeadlessDevice device = new HeadlessDevice(vk, onSoftware: true).Open();     // without the layer, which expects memory
        int failures = 0;
        bool hasFailed = true;
        for (long failAt = 1; hasFailed; failAt++)
        {
            using var count = new DriverCount();
            count.FailAt = failAt;
            hasFailed = Fails(vk, device, count);
            failures += hasFailed ? 1 : 0;
            Assert.Equal(0, count.Held);
        }

        // At least: three fences, and a handle and memory for each resource.
        Assert.InRange(failures, 8, 100);
    }

    private static bool Fails(Vk vk, HeadlessDevice device, DriverCount count)
    {
        bool hasFailed = false;
        GpuMemory? memory = null;
        try
        {
            GpuMemoryOptions options = new() { AllocationCallbacks = count.Address, BlockSize = 1 << 20 };
            memory = new GpuMemory(vk, device.PhysicalDevice, device.Device, options);
            Try(() => memory.CreateBuffer(1000, BufferUsageFlags.VertexBufferBit));
            Try(() => memory.CreateBuffer(800_000, BufferUsageFlags.VertexBufferBit));
            Try(() => memory.CreateImage(Image));
            memory.Validate();
        }
        catch (VulkanException) when (memory is null)
        {
            hasFailed = true;
        }
        finally
        {
            memory?.Dispose();
        }

        return hasFailed || count.Asked >= count.FailAt;

        void Try(Action create)
        {
            long held = count.Held;
            long blocks = memory!.GetStatistics()[0].BlockCount;
            try
            {
                create();
            }
            catch (VulkanException e)
            {
                Assert.Contains(e.Result, new[] { Result.ErrorOutOfHostMemory, Result.ErrorOutOfDeviceMemory });
                Assert.Equal(held, count.Held);
                Assert.Equal(blocks, memory.GetStatistics()[0].BlockCount);
            }
        }
    }

    private static ImageCreateInfo Image => new()
    {
        SType = StructureType.ImageCreateInfo,
        ImageType = ImageType.Type2D,
        Format = Format.R8G8B8A8Unorm,
        Extent = new Extent3D(16, 16, 1),
        MipLevels = 1,
        ArrayLayers = 1,
        Samples = SampleCountFlags.Count1Bit,
        Tiling = ImageTiling.Optimal,
        Usage = ImageUsageFlags.SampledBit,
    };
}
