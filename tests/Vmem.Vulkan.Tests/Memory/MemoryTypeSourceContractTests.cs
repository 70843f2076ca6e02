using Vmem.Testing.Contracts;
using Vmem.Vulkan.Blocks;
using Vmem.Vulkan.Calls;
using Vmem.Vulkan.Tests.Drivers;

namespace Vmem.Vulkan.Tests.Memory;

/// <summary>Blocks of a real device are a source like any other.</summary>
[Collection(SoftwareDeviceTests.Name)]
public sealed class MemoryTypeSourceContractTests(SoftwareDevice software) : ArenaSourceContract, IDisposable
{
    private const ulong Quantum = 64;
    private readonly List<GpuDevice> _devices = [];

    public void Dispose()
    {
        Assert.All(_devices, device => Assert.Equal(0UL, device.HeapBytes(0)));
        Assert.Empty(software.TakeFaults());
    }

    protected override IArenaSource<ulong> CreateSource()
    {
        var terms = new DeviceTerms(0, HasBudget: false, StaysWithinBudget: false, DeviceAddress: false, HeapLimits: [64 * 4096]);
        _devices.Add(new GpuDevice(software.Device.Vk, software.Device.PhysicalDevice, software.Device.Device, terms));
        return new MemoryTypeSource(_devices[^1], type: 0, Quantum, blockSize: 4096);
    }
}
