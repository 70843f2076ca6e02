using System.Diagnostics;
using Silk.NET.Vulkan;

namespace Vmem.Vulkan;

/// <summary>The figures of one memory type. Sizes are in bytes, those of ranges as they are rounded up.</summary>
[DebuggerDisplay("type {MemoryTypeIndex}: {AllocationBytes} of {BlockBytes} bytes in {AllocationCount} allocations")]
public readonly record struct GpuTypeStatistics
{
    /// <summary>The memory type.</summary>
    public int MemoryTypeIndex { get; init; }

    /// <summary>Its heap.</summary>
    public int HeapIndex { get; init; }

    /// <summary>Its flags.</summary>
    public MemoryPropertyFlags Flags { get; init; }

    /// <summary>How many blocks were taken from the device; a dedicated allocation is one.</summary>
    public long BlockCount { get; init; }

    /// <summary>Their total size.</summary>
    public ulong BlockBytes { get; init; }

    /// <summary>How many allocations lie in them.</summary>
    public long AllocationCount { get; init; }

    /// <summary>Their total size.</summary>
    public ulong AllocationBytes { get; init; }

    /// <summary>The smallest of them; 0 if there is none.</summary>
    public ulong AllocationSizeMin { get; init; }

    /// <summary>The largest of them.</summary>
    public ulong AllocationSizeMax { get; init; }

    /// <summary>What was retired, and rests for the frames under way.</summary>
    public ulong RestingBytes { get; init; }

    /// <summary>How many free ranges there are.</summary>
    public long UnusedRangeCount { get; init; }

    /// <summary>The smallest of them; 0 if there is none.</summary>
    public ulong UnusedRangeSizeMin { get; init; }

    /// <summary>The largest of them.</summary>
    public ulong UnusedRangeSizeMax { get; init; }

    internal GpuTypeStatistics WithBlock(ulong size) => this with { BlockCount = BlockCount + 1, BlockBytes = BlockBytes + size };

    internal GpuTypeStatistics With(Segment<ulong> segment) => segment.Kind switch
    {
        SegmentKind.Span => WithBlock(segment.Size),
        SegmentKind.Allocated => WithAllocation(segment.Size),
        SegmentKind.Resting => this with { RestingBytes = RestingBytes + segment.Size },
        _ => this with
        {
            UnusedRangeCount = UnusedRangeCount + 1,
            UnusedRangeSizeMin = Least(UnusedRangeSizeMin, segment.Size),
            UnusedRangeSizeMax = ulong.Max(UnusedRangeSizeMax, segment.Size),
        },
    };

    internal GpuTypeStatistics WithAllocation(ulong size) => this with
    {
        AllocationCount = AllocationCount + 1,
        AllocationBytes = AllocationBytes + size,
        AllocationSizeMin = Least(AllocationSizeMin, size),
        AllocationSizeMax = ulong.Max(AllocationSizeMax, size),
    };

    internal GpuTypeStatistics With(in GpuTypeStatistics other) => this with
    {
        BlockCount = BlockCount + other.BlockCount,
        BlockBytes = BlockBytes + other.BlockBytes,
        AllocationCount = AllocationCount + other.AllocationCount,
        AllocationBytes = AllocationBytes + other.AllocationBytes,
        AllocationSizeMin = Least(AllocationSizeMin, other.AllocationSizeMin),
        AllocationSizeMax = ulong.Max(AllocationSizeMax, other.AllocationSizeMax),
        RestingBytes = RestingBytes + other.RestingBytes,
        UnusedRangeCount = UnusedRangeCount + other.UnusedRangeCount,
        UnusedRangeSizeMin = Least(UnusedRangeSizeMin, other.UnusedRangeSizeMin),
        UnusedRangeSizeMax = ulong.Max(UnusedRangeSizeMax, other.UnusedRangeSizeMax),
    };

    private static ulong Least(ulong one, ulong other) => one == 0 ? other : other == 0 ? one : ulong.Min(one, other);
}
