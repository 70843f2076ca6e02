using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using Silk.NET.Vulkan;
using Vmem.Vulkan.Blocks;
using Vmem.Vulkan.Calls;
using Vmem.Vulkan.Choosing;
using Vmem.Vulkan.Memory;

namespace Vmem.Vulkan;

// How a request is met: memory type by memory type, in a block or alone.
public sealed unsafe partial class GpuMemory
{
    /// <summary>Allocates memory for a resource that the caller creates and binds.</summary>
    /// <param name="requirements">What the driver said of the resource.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="use">What it is for.</param>
    /// <returns>The allocation.</returns>
    /// <exception cref="ArgumentException">The size is 0, the alignment is no power of two, or there is no such kind, access or
    /// preference.</exception>
    /// <exception cref="VulkanException">There is no room, or no such memory type.</exception>
    /// <exception cref="ObjectDisposedException">The memory was disposed of.</exception>
    public GpuAllocation Allocate(in MemoryRequirements requirements, GpuResourceKind kind, in GpuUse use = default) =>
        Meet(NeedOf(requirements, kind, use));

    /// <summary>Allocates memory for a resource that the caller creates and binds, if there is room.</summary>
    /// <param name="requirements">What the driver said of the resource.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="allocation">The allocation; null if there is no room.</param>
    /// <param name="use">What it is for.</param>
    /// <returns>Whether there was room.</returns>
    /// <exception cref="ArgumentException">The size is 0, the alignment is no power of two, or there is no such kind, access or
    /// preference.</exception>
    /// <exception cref="VulkanException">There is no such memory type, or the driver failed.</exception>
    /// <exception cref="ObjectDisposedException">The memory was disposed of.</exception>
    public bool TryAllocate(
        in MemoryRequirements requirements,
        GpuResourceKind kind,
        [NotNullWhen(true)] out GpuAllocation? allocation,
        in GpuUse use = default)
    {
        allocation = TryMeet(NeedOf(requirements, kind, use));
        return allocation is not null;
    }

    private GpuNeed NeedOf(in MemoryRequirements requirements, GpuResourceKind kind, in GpuUse use)
    {
        ObjectDisposedException.ThrowIf(_live.IsClosed, this);
        if (requirements.Size == 0 || !BitOperations.IsPow2(requirements.Alignment))
        {
            throw new ArgumentException(
                $"No driver asks for {requirements.Size} bytes at a multiple of {requirements.Alignment}.", nameof(requirements));
        }

        if (kind is not (GpuResourceKind.Linear or GpuResourceKind.Optimal))
        {
            throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such kind: it would share pages with another.");
        }

        return new GpuNeed
        {
            Requirements = requirements,
            Kind = kind,
            Choice = MemoryTypeChoice.Of(use, isRead: true, Device.IsIntegrated),
            RequiresDedicated = use.IsDedicated,
            Name = use.Name,
        };
    }

    private GpuAllocation Meet(in GpuNeed need) => TryMeet(need) ?? throw new VulkanException(
        Result.ErrorOutOfDeviceMemory,
        $"'{Name}' has no room for {need.Name ?? need.Kind.ToString()} ({need.Requirements.Size} bytes): neither the blocks nor the device, in none of the memory types that are allowed.");

    // The order in which a request is met: one memory type after the other, the best first.
    private GpuAllocation? TryMeet(in GpuNeed need)
    {
        uint allowed = need.Requirements.MemoryTypeBits;
        if (!need.Choice.TryChoose(Device.Types, allowed, out int type))
        {
            throw new VulkanException(
                Result.ErrorFeatureNotPresent,
                $"None of the memory types that {need.Name ?? need.Kind.ToString()} may lie in (0x{allowed:x}) is {need.Choice.Required}.");
        }

        GpuAllocation? allocation;
        do
        {
            allocation = TryMeet(need, _pools[type]);
            allowed &= ~(1u << type);
        }
        while (allocation is null && need.Choice.TryChoose(Device.Types, allowed, out type));
        return allocation;
    }

    private GpuAllocation? TryMeet(in GpuNeed need, MemoryTypePool pool)
    {
        if (need.RequiresDedicated || need.PrefersDedicated || need.Requirements.Size > pool.BlockSize / 2)
        {
            return TryDedicated(need, pool.Type) ?? (need.RequiresDedicated ? null : TryShared(need, pool));
        }

        return TryShared(need, pool) ?? TryDedicated(need, pool.Type);
    }

    private GpuAllocation? TryShared(in GpuNeed need, MemoryTypePool pool)
    {
        var allocation = new GpuAllocation(this, need);
        if (!pool.TryAllocate(need.Requirements.Size, need.Requirements.Alignment, need.Kind, out ulong address))
        {
            return null;
        }

        allocation.Place = new GpuPlace(pool.Blocks.BlockOf(address), pool, address);
        return Added(allocation);
    }

    private GpuAllocation? TryDedicated(in GpuNeed need, int type)
    {
        var allocation = new GpuAllocation(this, need);
        if (!Device.TryAllocate(type, need.Requirements.Size, need.Buffer, need.Image, out MemoryBlock? block))
        {
            return null;
        }

        allocation.Place = new GpuPlace(block, null, 0);
        return Added(allocation);
    }

    private GpuAllocation Added(GpuAllocation allocation)
    {
        if (!_live.TryAdd(allocation))
        {
            Release(allocation);
            throw new ObjectDisposedException(Name);
        }

        return allocation;
    }
}
