using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Vmem.Memory;

namespace Vmem.AspNetCore.Pages;

/// <summary>Writes what there is in the process as JSON.</summary>
/// <remarks>Not for two threads at a time.</remarks>
internal sealed class SampleWriter(VmemPageOptions options, MapRecorder maps)
{
    private const int MostWaits = 10;             // arbitrary
    private const int MostClients = 100;          // of a context; arbitrary

    private readonly SeldomWriter _seldom = new();

    /// <summary>The name of an arena with its number: unique.</summary>
    public static string IdOf(ArenaView arena) => string.Create(CultureInfo.InvariantCulture, $"{arena.Name}#{arena.Instance}");

    public void Write(IBufferWriter<byte> buffer)
    {
        IReadOnlyList<ArenaView> arenas = VmemProcess.Arenas;
        maps.Show(arenas);
        using Utf8JsonWriter json = new(buffer);
        json.WriteStartObject();
        json.WriteString("time", options.TimeProvider.GetUtcNow());
        json.WriteNumber("pid", Environment.ProcessId);
        json.WriteNumber("managedBytes", GC.GetTotalMemory(forceFullCollection: false));
        json.WriteNumber("residentBytes", Environment.WorkingSet);
        json.WriteNumber("row", maps.Rows);
        WriteArenas(json, arenas);
        WriteContexts(json);
        WritePools(json);
        WriteBuddies(json);
        json.WritePropertyName("seldom");
        json.WriteRawValue(_seldom.Write(), skipInputValidation: true);
        json.WriteEndObject();
    }

    private void WriteArenas(Utf8JsonWriter json, IReadOnlyList<ArenaView> arenas)
    {
        Dictionary<object, string> ids = new(ReferenceEqualityComparer.Instance);
        foreach (ArenaView arena in arenas)
        {
            ids[arena.Arena] = IdOf(arena);
        }

        json.WriteStartArray("arenas");
        foreach (ArenaView arena in arenas)
        {
            if (arena.TryGetStatistics(out ArenaStatistics<UInt128> figures))
            {
                WriteArena(json, arena, figures, arena.Source is { } source ? ids.GetValueOrDefault(source) : null);
            }
        }

        json.WriteEndArray();
    }

    private void WriteArena(Utf8JsonWriter json, ArenaView arena, in ArenaStatistics<UInt128> figures, string? parent)
    {
        json.WriteStartObject();
        json.WriteString("id", IdOf(arena));
        json.WriteString("name", arena.Name);
        json.WriteString("parent", parent);
        json.WriteString("source", arena.Source is null || parent is not null ? null : arena.Source.GetType().Name.Split('`')[0]);
        json.WriteString("type", arena.ValueType.Name);
        json.WriteString("policy", arena.Policy.ToString());
        WriteAmount(json, "quantum", arena.Quantum);
        WriteAmount(json, "limit", arena.Limit);
        WriteAmount(json, "cachesUpTo", arena.QuantumCacheMax);
        WriteAmount(json, "total", figures.TotalSize);
        WriteAmount(json, "inUse", figures.InUse);
        WriteAmount(json, "cached", figures.Cached);
        WriteAmount(json, "resting", figures.Resting);
        WriteAmount(json, "free", figures.Free);
        WriteAmount(json, "largestFree", figures.LargestFree);
        WriteAmount(json, "peak", figures.PeakInUse);
        json.WriteNumber("fragmentation", Math.Round(figures.Fragmentation, 4));
        json.WriteNumber("live", figures.LiveSegments);
        json.WriteNumber("freeSegments", figures.FreeSegments);
        json.WriteNumber("allocations", figures.Allocations);
        json.WriteNumber("failures", figures.Failures);
        json.WriteBoolean("audited", arena.IsAudited);
        WriteWaits(json, arena);
        if (maps.MapOf(arena) is { } map)
        {
            WriteMap(json, map);
        }

        json.WriteEndObject();
    }

    private static void WriteWaits(Utf8JsonWriter json, ArenaView arena)
    {
        IReadOnlyList<ArenaWait> waits = arena.GetWaits(MostWaits, out int count);
        json.WriteNumber("waiting", count);
        json.WriteStartArray("waits");
        foreach (ArenaWait wait in waits)
        {
            json.WriteStartObject();
            WriteAmount(json, "size", wait.Size);
            json.WriteNumber("seconds", Math.Round(wait.Age.TotalSeconds, 1));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteMap(Utf8JsonWriter json, ArenaMap map)
    {
        ReadOnlySpan<ArenaMapColumn> columns = map.Columns;
        Span<byte> digits = columns.Length <= 512 ? stackalloc byte[columns.Length] : new byte[columns.Length];
        MapDigits.Write(columns, digits);
        json.WriteString("map", digits);
        json.WriteNumber("mapRound", map.Rounds);
    }

    private static void WriteContexts(Utf8JsonWriter json)
    {
        json.WriteStartArray("contexts");
        foreach (MemoryContext context in VmemProcess.Contexts)
        {
            MemoryContextStatistics figures = context.GetStatistics();
            json.WriteStartObject();
            json.WriteString("name", context.Name);
            json.WriteNumber("total", (ulong)figures.TotalSize);
            json.WriteNumber("inUse", (ulong)figures.InUse);
            json.WriteNumber("largestFree", (ulong)figures.LargestFree);
            json.WriteNumber("fragmentation", Math.Round(figures.Fragmentation, 4));
            json.WriteNumber("clientCount", figures.Clients);
            json.WriteStartArray("clients");
            foreach (MemoryClient client in context.GetClients().Take(MostClients))
            {
                WriteClient(json, client);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteClient(Utf8JsonWriter json, MemoryClient client)
    {
        MemoryClientStatistics figures;
        try
        {
            figures = client.GetStatistics();
        }
        catch (ObjectDisposedException)
        {
            return;                               // it was deleted meanwhile
        }

        json.WriteStartObject();
        json.WriteString("name", figures.Name);
        json.WriteNumber("quota", (ulong)figures.Quota);
        json.WriteNumber("held", (ulong)figures.Held);
        json.WriteNumber("inUse", (ulong)figures.InUse);
        json.WriteNumber("blocks", figures.LiveBlocks);
        json.WriteNumber("failures", figures.Failures);
        json.WriteEndObject();
    }

    private static void WritePools(Utf8JsonWriter json)
    {
        json.WriteStartArray("pools");
        foreach (PoolView pool in VmemProcess.Pools)
        {
            json.WriteStartObject();
            json.WriteString("name", pool.Name);
            json.WriteString("type", pool.ElementType.Name);
            json.WriteNumber("outstanding", pool.Outstanding);
            json.WriteNumber("rents", pool.Rents);
            json.WriteNumber("leaks", pool.Leaks);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteBuddies(Utf8JsonWriter json)
    {
        json.WriteStartArray("buddies");
        foreach (BuddyView buddy in VmemProcess.Buddies)
        {
            BuddyStatistics<UInt128> figures = buddy.GetStatistics();
            json.WriteStartObject();
            json.WriteString("name", buddy.Name);
            WriteAmount(json, "total", figures.TotalSize);
            WriteAmount(json, "inUse", figures.InUse);
            WriteAmount(json, "largestFree", figures.LargestFree);
            json.WriteNumber("blocks", figures.LiveBlocks);
            json.WriteNumber("failures", figures.Failures);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>As a number, which may be too large for readers to have all its digits.</summary>
    private static void WriteAmount(Utf8JsonWriter json, string name, UInt128 amount)
    {
        if (amount <= ulong.MaxValue)
        {
            json.WriteNumber(name, (ulong)amount);
            return;
        }

        json.WritePropertyName(name);
        json.WriteRawValue(amount.ToString(CultureInfo.InvariantCulture), skipInputValidation: true);
    }
}
