using System.Buffers;
using System.Text.Json;
using Vmem.Memory;

namespace Vmem.AspNetCore.Pages;

/// <summary>Writes heaps and object caches as JSON, every fifth time anew.</summary>
/// <remarks>Their figures stop the threads that use them for a moment. Not for two threads at a time.</remarks>
internal sealed class SeldomWriter
{
    private const int Every = 5;

    private ArrayBufferWriter<byte> _written = new();
    private long _times;

    /// <summary>An object with all of them, new or as it was the last time; it is good until the next call.</summary>
    public ReadOnlySpan<byte> Write()
    {
        if (_times % Every == 0)
        {
            ArrayBufferWriter<byte> fresh = new();            // what throws leaves the last one
            using (Utf8JsonWriter json = new(fresh))
            {
                json.WriteStartObject();
                WriteHeaps(json);
                WriteCaches(json);
                json.WriteEndObject();
            }

            _written = fresh;
        }

        _times++;
        return _written.WrittenSpan;
    }

    private static void WriteHeaps(Utf8JsonWriter json)
    {
        json.WriteStartArray("heaps");
        foreach (NativeHeap heap in VmemProcess.Heaps)
        {
            NativeHeapStatistics figures;
            IReadOnlyList<HeapSizeClass> classes;
            try
            {
                figures = heap.GetStatistics();
                classes = heap.GetSizeClasses();
            }
            catch (ObjectDisposedException)
            {
                continue;                         // it has ended meanwhile
            }

            json.WriteStartObject();
            json.WriteString("name", heap.Name);
            json.WriteNumber("resident", (ulong)figures.Resident);
            json.WriteNumber("dirty", (ulong)figures.Dirty);
            json.WriteNumber("held", (ulong)figures.Held);
            json.WriteNumber("inUse", (ulong)figures.InUse);
            json.WriteNumber("cached", (ulong)figures.Cached);
            json.WriteNumber("unused", (ulong)(figures.Held - nuint.Min(figures.Held, figures.InUse + figures.Cached)));
            json.WriteNumber("blocks", figures.LiveBlocks);
            json.WriteNumber("slabs", figures.Slabs);
            json.WriteNumber("largeBlocks", figures.LargeBlocks);
            json.WriteNumber("failures", figures.Failures);
            WriteClasses(json, classes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteClasses(Utf8JsonWriter json, IReadOnlyList<HeapSizeClass> classes)
    {
        json.WriteStartArray("classes");
        foreach (HeapSizeClass each in classes)
        {
            json.WriteStartObject();
            json.WriteNumber("size", (ulong)each.BlockSize);
            json.WriteNumber("slabs", each.Slabs);
            json.WriteNumber("held", (ulong)each.Held);
            json.WriteNumber("live", each.LiveBlocks);
            json.WriteNumber("cached", each.CachedBlocks);
            json.WriteNumber("unused", (ulong)each.Unused);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteCaches(Utf8JsonWriter json)
    {
        json.WriteStartArray("caches");
        foreach (ObjectCacheView cache in VmemProcess.ObjectCaches)
        {
            ObjectCacheStatistics figures = cache.GetStatistics();
            json.WriteStartObject();
            json.WriteString("name", cache.Name);
            json.WriteString("type", cache.ObjectType.Name);
            json.WriteNumber("rented", figures.Rented);
            json.WriteNumber("cached", figures.Cached);
            json.WriteNumber("rents", figures.Rents);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
