using System.Diagnostics;
using Silk.NET.Vulkan;
using Vmem.Vulkan.Blocks;
using Vmem.Vulkan.Calls;
using Vmem.Vulkan.Memory;

namespace Vmem.Vulkan;

/// <summary>The memory of a Vulkan device: an <see cref="Arena{T}"/> for each memory type, whose spans are blocks that vkAllocateMemory
/// gave.</summary>
/// <remarks>
/// <para>
/// It needs Vulkan 1.1. Buffers and images are created with their memory, in the type that suits their use: see <see cref="GpuUse"/>. If
/// the best type has no room, the next one serves. A resource that the driver wants alone, or that is larger than half a block, gets a
/// block of its own.
/// </para>
/// <para>
/// All of it may be used by several threads at once. Allocating takes what the arena takes, O(1) or O(log n), unless a block is needed.
/// A call that throws leaves nothing behind, in the driver neither.
/// </para>
/// </remarks>
[DebuggerDisplay("{Name}, frame {Frames.Current}")]
public sealed unsafe partial class GpuMemory : IDisposable
{
    private readonly GpuMemoryOptions _options;
    private readonly MemoryTypePool[] _pools;
    private readonly LiveAllocations _live = new();
    private readonly RetiredQueue _retired;
    private IDisposable? _moves;

    /// <summary>Makes it. Nothing is taken of the device's memory yet.</summary>
    /// <param name="vk">The functions of Vulkan.</param>
    /// <param name="physicalDevice">What the device was made of.</param>
    /// <param name="device">The device; it must outlive this object.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="VulkanException">The driver failed, or does not support Vulkan 1.1.</exception>
    public GpuMemory(Vk vk, PhysicalDevice physicalDevice, Device device, GpuMemoryOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(vk);
        _options = options ?? new GpuMemoryOptions();
        if (_options.FramesInFlight < 1)
        {
            throw new ArgumentException($"FramesInFlight must be at least 1: {_options.FramesInFlight}.", nameof(options));
        }

        Device = new GpuDevice(vk, physicalDevice, device, new DeviceTerms(
            _options.AllocationCallbacks,
            _options.HasMemoryBudget,
            _options.StaysWithinBudget,
            _options.HasBufferDeviceAddress,
            _options.HeapLimits));
        Frames = new GpuFrames(Device, _options.FramesInFlight);
        _retired = new RetiredQueue(Device, Frames);
        _pools = new MemoryTypePool[Device.Types.Length];
        ulong granularity = ulong.Max(Device.Properties.Limits.BufferImageGranularity, _options.MinBufferImageGranularity);
        try
        {
            for (int i = 0; i < _pools.Length; i++)
            {
                _pools[i] = new MemoryTypePool(_options.Name, Device, i, _options.BlockSize, granularity, _options.Policy);
            }

            Frames.Listen(Complete);
        }
        catch
        {
            DisposePools();
            Frames.Destroy();
            throw;
        }
    }

    /// <summary>The name.</summary>
    public string Name => _options.Name;

    /// <summary>The frames that the device works on: what is retired rests for them.</summary>
    public GpuFrames Frames { get; }

    internal GpuDevice Device { get; }

    internal ReadOnlySpan<MemoryTypePool> Pools => _pools;

    internal LiveAllocations Live => _live;

    internal RetiredQueue Retired => _retired;

    /// <summary>The moves that are under way; one set at a time.</summary>
    internal ref IDisposable? Moves => ref _moves;

    /// <summary>Frees an allocation at once, with the buffer or image that lies in it.</summary>
    /// <param name="allocation">The allocation.</param>
    /// <exception cref="InvalidFreeException">It was freed already, or belongs to another <see cref="GpuMemory"/>; nothing was
    /// changed.</exception>
    /// <remarks>The device must not use it any more; see <see cref="GpuAllocation.Retire"/>.</remarks>
    public void Free(GpuAllocation allocation)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        if (allocation.Owner != this)
        {
            throw Wrong(allocation, InvalidFreeReason.OtherOwner, $"it belongs to '{allocation.Owner.Name}'");
        }

        if (End(allocation) >= AllocationState.FreedWhileMoving)
        {
            throw Wrong(allocation, InvalidFreeReason.AlreadyFree, "it was freed before");
        }
    }

    /// <summary>Gives blocks back in which nothing lies.</summary>
    /// <returns>How many bytes.</returns>
    public ulong Reap()
    {
        ulong bytes = 0;
        foreach (MemoryTypePool pool in _pools)
        {
            bytes += pool.Arena.Reap();
        }

        return bytes;
    }

    /// <summary>Gives everything back to the driver, whatever was not freed included, and reports that to
    /// <see cref="GpuMemoryOptions.Leaked"/>. Idempotent. The device must be idle or lost, and no other call be under way.</summary>
    public void Dispose()
    {
        _moves?.Dispose();
        List<GpuAllocation> leaked = _live.Close();
        foreach (GpuAllocation allocation in leaked)
        {
            Release(allocation);
        }

        Frames.StopListening(Complete);
        _retired.Complete(ulong.MaxValue);
        DisposePools();
        Frames.Destroy();
        if (leaked.Count > 0)
        {
            _options.Leaked?.Invoke(new GpuLeak(
                Name,
                leaked.Count,
                leaked.Aggregate(0UL, (sum, allocation) => sum + allocation.Size),
                [.. leaked.Take(16).Select(item => new GpuLeakedAllocation(item.Name, item.Kind, item.Size, item.MemoryTypeIndex))]));
        }
    }

    internal AllocationState End(GpuAllocation allocation)
    {
        AllocationState state = _live.End(allocation);
        if (state == AllocationState.Live)
        {
            Release(allocation);
        }

        return state;
    }

    internal void Retire(GpuAllocation allocation)
    {
        AllocationState state = _live.End(allocation);
        if (state >= AllocationState.FreedWhileMoving)
        {
            throw Wrong(allocation, InvalidFreeReason.AlreadyFree, "it was freed before");
        }

        if (state == AllocationState.Live)
        {
            try
            {
                IGpuResource? resource = allocation.Resource;
                _retired.Add(allocation.LastPlace, allocation.Size, resource?.Buffer ?? default, resource?.Image ?? default);
            }
            catch
            {
                _live.Restore(allocation);
                throw;
            }
        }
    }

    // What lies in it goes first, so that nobody gets memory that has an owner.
    internal void Release(GpuAllocation allocation)
    {
        if (allocation.Resource is { } resource)
        {
            _retired.Destroy(resource.Buffer, resource.Image);
        }

        ref readonly GpuPlace place = ref allocation.LastPlace;
        if (place.Pool is { } pool)
        {
            pool.Arena.Free(place.Address, allocation.Size);
        }
        else
        {
            Device.Free(place.Block);
        }
    }

    private void Complete(ulong frame)
    {
        _retired.Complete(frame);
        foreach (MemoryTypePool pool in _pools)
        {
            pool.Arena.CompleteFence(frame);
        }
    }

    private void DisposePools()
    {
        foreach (MemoryTypePool? pool in _pools)
        {
            pool?.Dispose();
        }
    }

    private InvalidFreeException Wrong(GpuAllocation allocation, InvalidFreeReason reason, string why) =>
        new(reason, allocation.LastPlace.Offset, allocation.Size, $"{allocation} cannot be freed in '{Name}': {why}. Nothing was changed.");
}
