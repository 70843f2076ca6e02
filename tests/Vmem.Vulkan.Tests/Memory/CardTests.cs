using Silk.NET.Vulkan;
using Vmem.Vulkan.Tests.Drivers;

namespace Vmem.Vulkan.Tests.Memory;

/// <summary>What a device of software never does: several memory types and heaps, memory that is not coherent, budgets, refusals, the loss
/// of the device.</summary>
[Collection(SoftwareDeviceTests.Name)]
public sealed class CardTests : IDisposable
{
    private const BufferUsageFlags Vertices = BufferUsageFlags.VertexBufferBit;

    private static readonly GpuUse s_alone = new() { IsDedicated = true };

    private readonly SimulatedCard _card;

    public CardTests(SoftwareDevice software)
    {
        _ = software.Device;                      // skips where there is none
        _card = new SimulatedCard();
    }

    public void Dispose() => _card.Dispose();

    [Fact]
    public void If_the_best_type_has_no_room_the_next_one_serves()
    {
        using GpuMemory memory = _card.NewMemory();
        using GpuBuffer fast = memory.CreateBuffer(600_000, Vertices);
        SimulatedCard.Exhausted = 0b001;
        using GpuBuffer slow = memory.CreateBuffer(600_000, Vertices);
        Assert.Equal((0, 1), (fast.Allocation.MemoryTypeIndex, slow.Allocation.MemoryTypeIndex));
        SimulatedCard.Exhausted = 0b111;
        VulkanException full = Assert.Throws<VulkanException>(() => memory.CreateBuffer(600_000, Vertices));
        Assert.Equal(Result.ErrorOutOfDeviceMemory, full.Result);
        Assert.Equal([fast.Allocation.Size, slow.Allocation.Size], memory.GetBudgets().Select(heap => heap.BlockBytes));
    }

    [Fact]
    public void What_the_driver_prefers_alone_is_alone_or_in_a_block()
    {
        using GpuMemory memory = _card.NewMemory();
        SimulatedCard.PrefersDedicated = true;
        using GpuBuffer alone = memory.CreateBuffer(1000, Vertices);
        Assert.True(alone.Allocation.IsDedicated);
        SimulatedCard.PrefersDedicated = false;
        using GpuBuffer shared = memory.CreateBuffer(1000, Vertices);
        SimulatedCard.PrefersDedicated = true;
        SimulatedCard.Exhausted = 0b111;
        using GpuBuffer beside = memory.CreateBuffer(1000, Vertices);
        Assert.False(shared.Allocation.IsDedicated);
        Assert.Equal(shared.Allocation.Memory, beside.Allocation.Memory);
    }

    [Fact]
    public void A_mapping_that_fails_holds_no_memory()
    {
        using GpuMemory memory = _card.NewMemory();
        SimulatedCard.MapResult = Result.ErrorMemoryMapFailed;
        Assert.Throws<VulkanException>(() => memory.CreateBuffer(1000, Vertices, new() { HostAccess = HostAccess.Write }));
        SimulatedCard.MapResult = Result.ErrorUnknown;
        Assert.Equal(Result.ErrorUnknown, Assert.Throws<VulkanException>(
            () => memory.CreateBuffer(1000, Vertices, new() { HostAccess = HostAccess.Write })).Result);
        Assert.All(memory.GetBudgets(), heap => Assert.Equal(0UL, heap.BlockBytes));
        SimulatedCard.MapResult = Result.Success;
        memory.CreateBuffer(1000, Vertices, new() { HostAccess = HostAccess.Write }).Dispose();
        memory.Validate();
    }

    [Fact]
    public void Flushes_are_whole_atoms_and_only_where_they_are_needed()
    {
        using GpuMemory memory = _card.NewMemory();
        using GpuBuffer coherent = memory.CreateBuffer(1000, Vertices, new() { HostAccess = HostAccess.Write });
        using GpuBuffer cached = memory.CreateBuffer(1000, Vertices, new() { HostAccess = HostAccess.Read });
        using GpuBuffer next = memory.CreateBuffer(1000, Vertices, new() { HostAccess = HostAccess.Read });
        Assert.Equal([1, 2, 2], new[] { coherent, cached, next }.Select(buffer => buffer.Allocation.MemoryTypeIndex));
        coherent.Allocation.Flush();
        Assert.Empty(SimulatedCard.Flushed);
        ulong start = next.Allocation.Offset;
        Assert.Equal(0UL, start % 128);
        next.Allocation.Flush();
        next.Allocation.Flush(200, 1);
        next.Allocation.Flush(127, 2);
        next.Allocation.Flush(1000);              // nothing
        Assert.Equal([(start, 1024UL), (start + 128, 128), (start, 256)], SimulatedCard.Flushed);
    }

    [Fact]
    public void The_driver_says_the_budget()
    {
        using GpuMemory memory = _card.NewMemory(new() { BlockSize = 1 << 20, HasMemoryBudget = true, StaysWithinBudget = true });
        SimulatedCard.Budget = SimulatedCard.HeapSize / 4 + 100_000;
        GpuHeapBudget heap = memory.GetBudgets()[0];
        Assert.Equal((SimulatedCard.HeapSize, SimulatedCard.Budget, SimulatedCard.HeapSize / 4), (heap.Size, heap.Budget, heap.Usage));
        Assert.Throws<VulkanException>(() => memory.CreateBuffer(150_000, Vertices));
        SimulatedCard.Budget += 1 << 20;
        memory.CreateBuffer(150_000, Vertices).Dispose();
    }

    /// <summary>A second thread asks as the driver is about to refuse a first one: what that had asked for was never taken.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_the_driver_refuses_keeps_nobody_from_the_last_room(bool isLastNumber)
    {
        const ulong Size = 1 << 20;
        using GpuMemory memory = _card.NewMemory(new() { HeapLimits = isLastNumber ? [] : [0, Size] });
        int before = isLastNumber ? (int)SimulatedCard.MaxAllocations - 1 : 0;
        for (int i = 0; i < before; i++)
        {
            memory.Allocate(Alone(0, 100), GpuResourceKind.Linear, s_alone);
        }

        GpuAllocation? second = null;
        var other = new Thread(() => memory.TryAllocate(Alone(2, Size), GpuResourceKind.Linear, out second, s_alone));
        SimulatedCard.Exhausted = 0b010;
        SimulatedCard.Allocating = () =>
        {
            other.Start();
            OtherThread.Settle(other);
        };
        Assert.False(memory.TryAllocate(Alone(1, Size), GpuResourceKind.Linear, out _, s_alone));
        other.Join();
        Assert.NotNull(second);
        Assert.Equal(Size, memory.GetBudgets()[1].BlockBytes);
    }

    /// <summary>A second thread asks for the budget while the driver has not taken the first one's memory yet.</summary>
    [Fact]
    public void Two_threads_do_not_pass_the_budget_together()
    {
        const ulong Size = 1 << 20;
        using GpuMemory memory = _card.NewMemory(new() { HasMemoryBudget = true, StaysWithinBudget = true });
        SimulatedCard.Budget = HeapUsage(memory) + Size + Size / 2;
        bool isSecondMet = true;
        var other = new Thread(() => isSecondMet = memory.TryAllocate(Alone(0, Size), GpuResourceKind.Linear, out _, s_alone));
        SimulatedCard.Allocating = () =>
        {
            other.Start();
            OtherThread.Settle(other);
        };
        Assert.True(memory.TryAllocate(Alone(0, Size), GpuResourceKind.Linear, out _, s_alone));
        other.Join();
        Assert.False(isSecondMet);
        Assert.InRange(HeapUsage(memory), Size, SimulatedCard.Budget);
    }

    /// <summary>A shader reads an address only if the memory was allocated for that.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Memory_is_for_addresses_where_the_feature_is_on(bool isOn)
    {
        using GpuMemory memory = _card.NewMemory(new() { HasBufferDeviceAddress = isOn });
        using GpuBuffer shared = memory.CreateBuffer(1000, Vertices | BufferUsageFlags.ShaderDeviceAddressBit);
        using GpuBuffer alone = memory.CreateBuffer(1000, Vertices | BufferUsageFlags.ShaderDeviceAddressBit, s_alone);
        Assert.Equal([(isOn, false), (isOn, true)], SimulatedCard.Allocated);
    }

    [Fact]
    public void No_more_blocks_are_taken_than_the_device_has_numbers_for()
    {
        using GpuMemory memory = _card.NewMemory();
        var requirements = new MemoryRequirements { Size = 100, Alignment = 64, MemoryTypeBits = 1 };
        List<GpuAllocation> all = [];
        while (memory.TryAllocate(requirements, GpuResourceKind.Linear, out GpuAllocation? allocation, new() { IsDedicated = true }))
        {
            all.Add(allocation);
        }

        Assert.Equal((int)SimulatedCard.MaxAllocations, all.Count);
        all.ForEach(memory.Free);
    }

    [Fact]
    public void After_the_loss_of_the_device_everything_can_be_given_back()
    {
        long leaked = 0;
        GpuMemory memory = _card.NewMemory(new() { Leaked = leak => leaked = leak.Allocations });
        GpuBuffer buffer = memory.CreateBuffer(1000, Vertices);
        memory.CreateBuffer(1000, Vertices).Retire();
        Fence fence = memory.Frames.Begin();
        _card.Device.Submit(_card.Device.Record(_ => { }), fence);
        memory.Frames.End();
        SimulatedCard.FenceResult = Result.ErrorDeviceLost;
        Assert.Equal(Result.ErrorDeviceLost, Assert.Throws<VulkanException>(memory.Frames.Collect).Result);
        Assert.Equal(Result.ErrorDeviceLost, Assert.Throws<VulkanException>(memory.Frames.WaitIdle).Result);
        Assert.Equal(0UL, memory.Frames.Completed);
        buffer.Dispose();
        _card.Device.Vk.DeviceWaitIdle(_card.Device.Device);
        memory.Dispose();
        Assert.Equal(0, leaked);
        Assert.All(memory.GetBudgets(), heap => Assert.Equal(0UL, heap.BlockBytes));
    }

    private static MemoryRequirements Alone(int type, ulong size) => new() { Size = size, Alignment = 64, MemoryTypeBits = 1u << type };

    private static ulong HeapUsage(GpuMemory memory) => memory.GetBudgets()[0].Usage;
}
