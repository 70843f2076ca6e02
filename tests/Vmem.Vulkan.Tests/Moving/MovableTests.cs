using Silk.NET.Vulkan;
using Vmem.Vulkan.Tests.Drivers;

namespace Vmem.Vulkan.Tests.Moving;

/// <summary>Which buffers may move: those that nothing points to but the program's own descriptors and commands.</summary>
/// <remarks>On a simulated card, as no layer asks there for the features that the usage flags need.</remarks>
[Collection(SoftwareDeviceTests.Name)]
public sealed unsafe class MovableTests : IDisposable
{
    private const BufferUsageFlags Copied = BufferUsageFlags.TransferSrcBit | BufferUsageFlags.TransferDstBit;

    private readonly SimulatedCard _card;
    private readonly GpuMemory _memory;

    public MovableTests(SoftwareDevice software)
    {
        _ = software.Device;                      // skips where there is none
        _card = new SimulatedCard();
        _memory = _card.NewMemory();
    }

    public void Dispose()
    {
        _memory.Dispose();
        _card.Dispose();
    }

    [Theory]
    [InlineData(Copied, true)]
    [InlineData(Copied | BufferUsageFlags.VertexBufferBit | BufferUsageFlags.StorageBufferBit, true)]
    [InlineData(BufferUsageFlags.TransferDstBit, false)]
    [InlineData(BufferUsageFlags.TransferSrcBit, false)]
    [InlineData(Copied | BufferUsageFlags.ShaderDeviceAddressBit, false)]
    [InlineData(Copied | BufferUsageFlags.AccelerationStructureStorageBitKhr, false)]
    [InlineData(Copied | BufferUsageFlags.MicromapStorageBitExt, false)]
    public void What_it_is_used_for_decides(BufferUsageFlags usage, bool isMovable)
    {
        using GpuBuffer buffer = _memory.CreateBuffer(100, usage);
        Assert.Equal(isMovable, buffer.IsMovable);
    }

    [Theory]
    [InlineData(HostAccess.Write)]
    [InlineData(HostAccess.Read)]
    public void What_the_host_points_to_stays(HostAccess access)
    {
        using GpuBuffer buffer = _memory.CreateBuffer(100, Copied, new() { HostAccess = access });
        Assert.False(buffer.IsMovable);
    }

    [Fact]
    public void What_is_alone_stays()
    {
        using GpuBuffer buffer = _memory.CreateBuffer(100, Copied, new() { IsDedicated = true });
        Assert.False(buffer.IsMovable);
    }

    [Fact]
    public void What_several_queue_families_own_stays() =>
        Assert.False(IsMovable(Plain with { SharingMode = SharingMode.Concurrent }));

    [Fact]
    public void What_was_made_with_flags_or_with_more_than_is_known_stays()
    {
        var more = new ExternalMemoryBufferCreateInfo { SType = StructureType.ExternalMemoryBufferCreateInfo };
        Assert.True(IsMovable(Plain));
        Assert.False(IsMovable(Plain with { PNext = &more }));
        Assert.False(IsMovable(Plain with { Flags = BufferCreateFlags.ProtectedBit }));
    }

    private static BufferCreateInfo Plain => new() { SType = StructureType.BufferCreateInfo, Size = 100, Usage = Copied };

    private bool IsMovable(in BufferCreateInfo info)
    {
        using GpuBuffer buffer = _memory.CreateBuffer(info);
        return buffer.IsMovable;
    }
}
