using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Silk.NET.Vulkan;
using Vmem.Vulkan.Blocks;
using Vmem.Vulkan.Calls;

namespace Vmem.Vulkan.Memory;

/// <summary>Writes a <see cref="GpuMemory"/> in the shape of VMA's statistics.</summary>
internal sealed unsafe class GpuDump(GpuMemory memory)
{
    private const string Retired = "RETIRED";

    private readonly List<GpuAllocation> _live = memory.Live.ToList();
    private readonly List<MemoryBlock> _retired = memory.Retired.ListBlocks();
    private readonly IReadOnlyList<GpuTypeStatistics> _statistics = memory.GetStatistics();

    public void Write(Stream stream)
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        WriteGeneral(json);
        WriteStatistics(json, "Total", _statistics);
        json.WriteStartObject("MemoryInfo");
        foreach (GpuHeapBudget heap in memory.GetBudgets())
        {
            WriteHeap(json, heap);
        }

        json.WriteEndObject();
        json.WriteStartObject("DefaultPools");
        foreach (MemoryTypePool pool in memory.Pools)
        {
            WritePool(json, pool);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteGeneral(Utf8JsonWriter json)
    {
        PhysicalDeviceProperties device = memory.Device.Properties;
        json.WriteStartObject("General");
        json.WriteString("API", "Vulkan");
        json.WriteString("apiVersion", $"{device.ApiVersion >> 22 & 0x7f}.{device.ApiVersion >> 12 & 0x3ff}.{device.ApiVersion & 0xfff}");
        json.WriteString("GPU", Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(device.DeviceName)));
        json.WriteNumber("deviceType", (int)device.DeviceType);
        json.WriteNumber("maxMemoryAllocationCount", device.Limits.MaxMemoryAllocationCount);
        json.WriteNumber("bufferImageGranularity", device.Limits.BufferImageGranularity);
        json.WriteNumber("nonCoherentAtomSize", device.Limits.NonCoherentAtomSize);
        json.WriteNumber("memoryHeapCount", memory.Device.Heaps.Length);
        json.WriteNumber("memoryTypeCount", memory.Device.Types.Length);
        json.WriteEndObject();
    }

    private void WriteHeap(Utf8JsonWriter json, GpuHeapBudget heap)
    {
        GpuTypeStatistics[] types = [.. _statistics.Where(type => type.HeapIndex == heap.HeapIndex)];
        json.WriteStartObject($"Heap {heap.HeapIndex}");
        WriteFlags(json, $"{memory.Device.Heaps[heap.HeapIndex].Flags}");
        json.WriteNumber("Size", heap.Size);
        json.WriteStartObject("Budget");
        json.WriteNumber("BudgetBytes", heap.Budget);
        json.WriteNumber("UsageBytes", heap.Usage);
        json.WriteEndObject();
        WriteStatistics(json, "Stats", types);
        json.WriteStartObject("MemoryPools");
        foreach (GpuTypeStatistics type in types)
        {
            json.WriteStartObject($"Type {type.MemoryTypeIndex}");
            WriteFlags(json, $"{type.Flags}");
            WriteStatistics(json, "Stats", [type]);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WritePool(Utf8JsonWriter json, MemoryTypePool pool)
    {
        Dictionary<ulong, GpuAllocation> live = [];
        foreach (GpuAllocation allocation in _live.Where(allocation => allocation.LastPlace.Pool == pool))
        {
            live[allocation.LastPlace.Address] = allocation;
        }

        json.WriteStartObject($"Type {pool.Type}");
        json.WriteNumber("PreferredBlockSize", pool.BlockSize);
        json.WriteStartObject("Blocks");
        List<Segment<ulong>> block = [];
        foreach (Segment<ulong> segment in pool.Arena.GetSegments())
        {
            if (segment.Kind == SegmentKind.Span)
            {
                WriteBlock(json, block, live);
                block.Clear();
            }

            block.Add(segment);
        }

        WriteBlock(json, block, live);
        json.WriteEndObject();
        json.WriteStartArray("DedicatedAllocations");
        foreach (GpuAllocation allocation in _live.Where(allocation => allocation.IsDedicated && allocation.MemoryTypeIndex == pool.Type))
        {
            json.WriteStartObject();
            WriteRange(json, TypeOf(allocation), allocation.Size, allocation);
        }

        foreach (MemoryBlock retired in _retired.Where(retired => retired.Type == pool.Type))
        {
            json.WriteStartObject();
            WriteRange(json, Retired, retired.Size, allocation: null);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    // The first segment is the span, that is, the block.
    private static void WriteBlock(Utf8JsonWriter json, List<Segment<ulong>> block, Dictionary<ulong, GpuAllocation> live)
    {
        if (block.Count == 0)
        {
            return;
        }

        GpuTypeStatistics figures = block.Aggregate(default(GpuTypeStatistics), (sum, segment) => sum.With(segment));
        json.WriteStartObject($"{BlockTable.NumberOf(block[0].Start)}");
        json.WriteNumber("TotalBytes", figures.BlockBytes);
        json.WriteNumber("UnusedBytes", figures.BlockBytes - figures.AllocationBytes - figures.RestingBytes);
        json.WriteNumber("Allocations", figures.AllocationCount);
        json.WriteNumber("UnusedRanges", figures.UnusedRangeCount);
        json.WriteStartArray("Suballocations");
        foreach (Segment<ulong> segment in block.Skip(1))
        {
            GpuAllocation? allocation = segment.Kind == SegmentKind.Allocated ? live.GetValueOrDefault(segment.Start) : null;
            json.WriteStartObject();
            json.WriteNumber("Offset", BlockTable.OffsetOf(segment.Start));
            WriteRange(json, segment.Kind switch
            {
                SegmentKind.Allocated => TypeOf(allocation),
                SegmentKind.Resting => Retired,
                _ => "FREE",
            }, segment.Size, allocation);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteRange(Utf8JsonWriter json, string type, ulong size, GpuAllocation? allocation)
    {
        json.WriteString("Type", type);
        json.WriteNumber("Size", size);
        if (allocation?.Resource is GpuBuffer buffer)
        {
            json.WriteNumber("Usage", (uint)buffer.Usage);
        }

        if (allocation?.Name is { } name)
        {
            json.WriteString("Name", name);
        }

        json.WriteEndObject();
    }

    // A range whose owner is not known was freed or allocated while this was written, or is the new place of a move.
    private static string TypeOf(GpuAllocation? allocation) => allocation switch
    {
        { Resource: GpuBuffer } => "BUFFER",
        { Kind: GpuResourceKind.Optimal } => "IMAGE_OPTIMAL",
        { Resource: GpuImage } => "IMAGE_LINEAR",
        _ => "UNKNOWN",
    };

    private static void WriteStatistics(Utf8JsonWriter json, string name, IEnumerable<GpuTypeStatistics> types)
    {
        GpuTypeStatistics sum = types.Aggregate(default(GpuTypeStatistics), (sum, type) => sum.With(type));
        json.WriteStartObject(name);
        json.WriteNumber("BlockCount", sum.BlockCount);
        json.WriteNumber("BlockBytes", sum.BlockBytes);
        json.WriteNumber("AllocationCount", sum.AllocationCount);
        json.WriteNumber("AllocationBytes", sum.AllocationBytes);
        json.WriteNumber("UnusedRangeCount", sum.UnusedRangeCount);
        if (sum.AllocationCount > 0)
        {
            json.WriteNumber("AllocationSizeMin", sum.AllocationSizeMin);
            json.WriteNumber("AllocationSizeMax", sum.AllocationSizeMax);
        }

        if (sum.UnusedRangeCount > 0)
        {
            json.WriteNumber("UnusedRangeSizeMin", sum.UnusedRangeSizeMin);
            json.WriteNumber("UnusedRangeSizeMax", sum.UnusedRangeSizeMax);
        }

        json.WriteEndObject();
    }

    // DeviceLocalBit, HostVisibleBit is written as DEVICE_LOCAL, HOST_VISIBLE.
    private static void WriteFlags(Utf8JsonWriter json, string flags)
    {
        json.WriteStartArray("Flags");
        foreach (string flag in flags.Split(", ").Where(flag => flag.EndsWith("Bit", StringComparison.Ordinal)))
        {
            string name = string.Concat(flag[..^3].Select((letter, i) => i > 0 && char.IsUpper(letter) ? $"_{letter}" : $"{letter}"));
            json.WriteStringValue(name.ToUpperInvariant());
        }

        json.WriteEndArray();
    }
}
