using System.Diagnostics;
using System.Runtime.InteropServices;
using Silk.NET.Vulkan;
using Vmem.Vulkan.Blocks;
using Vmem.Vulkan.Calls;
using Vmem.Vulkan.Memory;

namespace Vmem.Vulkan;

/// <summary>A range of the device's memory: a part of a block, or a dedicated block.</summary>
/// <remarks>Its place may change with <see cref="GpuMoves.Commit"/>, and only if a <see cref="GpuBuffer"/> lies in it that allows
/// it.</remarks>
[DebuggerDisplay("{Name}: {Size} bytes at {Offset}, type {MemoryTypeIndex}, dedicated: {IsDedicated}")]
public sealed unsafe class GpuAllocation : IDisposable
{
    private readonly GpuMemory _memory;
    private GpuPlace _place;

    internal GpuAllocation(GpuMemory memory, in GpuNeed need)
    {
        _memory = memory;
        Kind = need.Kind;
        Size = need.Requirements.Size;
        Alignment = need.Requirements.Alignment;
        Name = need.Name;
    }

    /// <summary>The block that it lies in.</summary>
    /// <exception cref="ObjectDisposedException">It was freed.</exception>
    public DeviceMemory Memory => Place.Block.Handle;

    /// <summary>Where in that block it begins, in bytes.</summary>
    /// <exception cref="ObjectDisposedException">It was freed.</exception>
    public ulong Offset => Place.Offset;

    /// <summary>How long it is, in bytes, as it was asked for.</summary>
    public ulong Size { get; }

    /// <summary>The memory type.</summary>
    public int MemoryTypeIndex => _place.Block.Type;

    /// <summary>The flags of the memory type.</summary>
    public MemoryPropertyFlags Flags => _memory.Device.Types[MemoryTypeIndex].PropertyFlags;

    /// <summary>What lies in it.</summary>
    public GpuResourceKind Kind { get; }

    /// <summary>Whether it is a block of its own.</summary>
    public bool IsDedicated => _place.Pool is null;

    /// <summary>Whether the host sees it: such memory is mapped for as long as it lives.</summary>
    public bool IsMapped => _place.Block.Address != 0;

    /// <summary>A name for dumps and leaks; null: none.</summary>
    public string? Name { get; set; }

    /// <summary>Its bytes, as the host sees them.</summary>
    /// <exception cref="InvalidOperationException">The host does not see this memory, or it is longer than a span can be.</exception>
    /// <exception cref="ObjectDisposedException">It was freed.</exception>
    /// <remarks>Use no span of freed memory: like any pointer, it is not checked. Call <see cref="Flush"/> after writes, and
    /// <see cref="Invalidate"/> before reads; both do nothing where the memory needs neither.</remarks>
    public Span<byte> Contents => Size <= int.MaxValue
        ? GetSpan(0, (int)Size)
        : throw new InvalidOperationException($"{this} is longer than a span can be: call GetSpan for a part of it.");

    internal ulong Alignment { get; }

    internal AllocationState State { get; set; }

    internal GpuAllocation? Previous { get; set; }

    internal GpuAllocation? Next { get; set; }

    /// <summary>What lies in it, if this package made it.</summary>
    internal IGpuResource? Resource { get; set; }

    internal GpuMemory Owner => _memory;

    internal GpuPlace Place
    {
        get
        {
            ObjectDisposedException.ThrowIf(State >= AllocationState.FreedWhileMoving, this);
            return _place;
        }
        set => _place = value;
    }

    /// <summary>The place, whether it was freed or not.</summary>
    internal ref readonly GpuPlace LastPlace => ref _place;

    /// <summary>Some of its bytes, as the host sees them.</summary>
    /// <param name="offset">Where they begin.</param>
    /// <param name="length">How many.</param>
    /// <returns>The bytes. See <see cref="Contents"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">They reach past the end.</exception>
    /// <exception cref="InvalidOperationException">The host does not see this memory.</exception>
    /// <exception cref="ObjectDisposedException">It was freed.</exception>
    public Span<byte> GetSpan(ulong offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)length, Size - offset);
        GpuPlace place = Place;
        return place.Block.Address != 0
            ? MemoryMarshal.CreateSpan(ref ((byte*)place.Block.Address)[place.Offset + offset], length)
            : throw new InvalidOperationException($"The host does not see {this}: copy through a StagingRing, or ask for HostAccess.");
    }

    /// <summary>Lets the device see what the host has written. Does nothing where the memory needs none.</summary>
    /// <param name="offset">Where the bytes begin.</param>
    /// <param name="size">How many; more than there are: to the end.</param>
    /// <exception cref="ArgumentOutOfRangeException">They begin past the end.</exception>
    /// <exception cref="VulkanException">The driver failed.</exception>
    /// <exception cref="ObjectDisposedException">It was freed.</exception>
    public void Flush(ulong offset = 0, ulong size = ulong.MaxValue)
    {
        if (NeedsFlush(offset, size, out MappedMemoryRange range))
        {
            VulkanException.Check(_memory.Device.Vk.FlushMappedMemoryRanges(_memory.Device.Handle, 1, &range), "vkFlushMappedMemoryRanges");
        }
    }

    /// <summary>Lets the host see what the device has written. Does nothing where the memory needs none.</summary>
    /// <param name="offset">Where the bytes begin.</param>
    /// <param name="size">How many; more than there are: to the end.</param>
    /// <exception cref="ArgumentOutOfRangeException">They begin past the end.</exception>
    /// <exception cref="VulkanException">The driver failed.</exception>
    /// <exception cref="ObjectDisposedException">It was freed.</exception>
    public void Invalidate(ulong offset = 0, ulong size = ulong.MaxValue)
    {
        if (NeedsFlush(offset, size, out MappedMemoryRange range))
        {
            VulkanException.Check(
                _memory.Device.Vk.InvalidateMappedMemoryRanges(_memory.Device.Handle, 1, &range), "vkInvalidateMappedMemoryRanges");
        }
    }

    /// <summary>Frees it when the device has done the current frame, with what lies in it: see <see cref="GpuMemory.Frames"/>.</summary>
    /// <exception cref="InvalidFreeException">It was freed already; nothing was changed.</exception>
    public void Retire() => _memory.Retire(this);

    /// <summary>Frees it at once, with the buffer or image that lies in it. Idempotent; <see cref="GpuMemory.Free"/> tells of a second
    /// free.</summary>
    public void Dispose() => _memory.End(this);

    /// <summary>Its name or kind, and its size.</summary>
    public override string ToString() => $"{Name ?? Kind.ToString()} ({Size} bytes)";

    private bool NeedsFlush(ulong offset, ulong size, out MappedMemoryRange range)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Size);
        GpuPlace place = Place;
        ulong bytes = ulong.Min(size, Size - offset);
        (ulong start, ulong length) = AtomRange.Of(
            place.Offset + offset, bytes, _memory.Device.Properties.Limits.NonCoherentAtomSize, place.Block.Size);
        range = new MappedMemoryRange
        {
            SType = StructureType.MappedMemoryRange,
            Memory = place.Block.Handle,
            Offset = start,
            Size = length,
        };
        return bytes > 0 && _memory.Device.NeedsFlush(place.Block.Type);
    }
}
