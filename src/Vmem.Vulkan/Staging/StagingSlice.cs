using System.Diagnostics;
using Silk.NET.Vulkan;
using Buffer = Silk.NET.Vulkan.Buffer;

namespace Vmem.Vulkan;

/// <summary>A part of a <see cref="StagingRing"/>, for one frame: not to be used any more when <see cref="GpuFrames.End"/> is called
/// for it.</summary>
[DebuggerDisplay("{Contents.Length} bytes at {Offset}")]
public readonly ref struct StagingSlice
{
    private readonly GpuBuffer _ring;

    internal StagingSlice(GpuBuffer ring, ulong offset, int length)
    {
        _ring = ring;
        Offset = offset;
        Contents = ring.Allocation.GetSpan(offset, length);
    }

    /// <summary>The buffer of the ring: the source of a copy.</summary>
    public Buffer Buffer => _ring.Handle;

    /// <summary>Where in that buffer it begins, in bytes.</summary>
    public ulong Offset { get; }

    /// <summary>Its bytes, to be written by the host.</summary>
    public Span<byte> Contents { get; }

    /// <summary>Lets the device see what was written. Does nothing where the memory needs none.</summary>
    /// <exception cref="VulkanException">The driver failed.</exception>
    public void Flush() => _ring.Allocation.Flush(Offset, (ulong)Contents.Length);
}
