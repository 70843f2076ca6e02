using System.Text.Json;

namespace Vmem.Samples;

/// <summary>Writes an arena over a block of GPU memory as Vulkan Memory Allocator writes its own blocks, so that the tools for those, and
/// <c>vmem map</c>, show it.</summary>
internal static class GpuDump
{
    public static void Write(Stream stream, Arena<uint> arena, Func<ulong, string> nameOf)
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        ArenaStatistics<uint> figures = arena.GetStatistics();
        json.WriteStartObject();
        json.WriteStartObject("DefaultPools");
        json.WriteStartObject(arena.Name);
        json.WriteStartObject("Blocks");
        json.WriteStartObject("0");
        json.WriteNumber("TotalBytes", figures.TotalSize);
        json.WriteNumber("UnusedBytes", figures.Free);
        json.WriteNumber("Allocations", figures.LiveSegments);
        json.WriteNumber("UnusedRanges", figures.FreeSegments);
        json.WriteStartArray("Suballocations");
        foreach (Segment<uint> segment in arena.GetSegments().Where(segment => segment.Kind != SegmentKind.Span))
        {
            WriteSegment(json, segment, nameOf);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartArray("DedicatedAllocations");
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteSegment(Utf8JsonWriter json, Segment<uint> segment, Func<ulong, string> nameOf)
    {
        json.WriteStartObject();
        json.WriteNumber("Offset", segment.Start);
        json.WriteString("Type", segment.Kind switch
        {
            SegmentKind.Free => "FREE",
            SegmentKind.Resting => "RETIRED",
            _ => (GpuKind)segment.RangeKind == GpuKind.Image ? "IMAGE_OPTIMAL" : "BUFFER",
        });
        json.WriteNumber("Size", segment.Size);
        if (segment.Kind == SegmentKind.Allocated)
        {
            json.WriteString("Name", nameOf(segment.Tag));
        }

        json.WriteEndObject();
    }
}
