using System.Text.Json;

namespace Vmem.Tool.Reports;

/// <summary>
/// Reads the statistics that VMA (<c>vmaBuildStatsString</c>, <c>vmaBuildVirtualBlockStatsString</c>) and D3D12MA (<c>BuildStatsString</c>)
/// write with a detailed map, and that people attach to their reports. Each block is a span; a dedicated allocation is a span that it
/// fills.
/// </summary>
/// <remarks>
/// <para>Both have the same shape: an object <c>DefaultPools</c> and an object <c>CustomPools</c>, whose members are pools or, in the
/// second, arrays of pools; in a pool <c>Blocks</c> by number, with <c>Suballocations</c>, and <c>DedicatedAllocations</c>. A virtual
/// block is one block below <c>Details</c>. Members that are not known are passed over: they differ by version.</para>
/// <para>Free ranges are written, too. They are not read: what no allocation covers is free.</para>
/// </remarks>
internal sealed class GpuDumpReader
{
    private const string FreeKind = "FREE";

    // Nobody nests pools deeper; D3D12MA has put custom pools below their heap's.
    private const int MostNested = 4;

    private readonly JsonFile _json;
    private readonly List<SpanPicture> _blocks = [];
    private readonly List<SpanPicture> _dedicated = [];

    private GpuDumpReader(JsonFile json)
    {
        _json = json;
    }

    /// <summary>Null if it is none.</summary>
    /// <exception cref="SnapshotFormatException">It is one, and something in it is wrong.</exception>
    public static ArenaPicture? TryRead(JsonFile json, JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var reader = new GpuDumpReader(json);
        if (root.TryGetProperty("Details", out JsonElement details) && details.ValueKind == JsonValueKind.Object)
        {
            reader.ReadBlock(details, "virtual block", "Details");
        }
        else if (!root.TryGetProperty("DefaultPools", out _) && !root.TryGetProperty("CustomPools", out _))
        {
            return root.TryGetProperty("MemoryInfo", out _) && root.TryGetProperty("Total", out _)
                ? throw json.Fault("the top", "these are statistics without blocks: ask the allocator for the detailed map")
                : null;
        }

        if (root.TryGetProperty("DefaultPools", out JsonElement defaultPools))
        {
            reader.ReadPools(defaultPools, "", "DefaultPools", depth: 0);
        }

        if (root.TryGetProperty("CustomPools", out JsonElement customPools))
        {
            reader.ReadPools(customPools, "", "CustomPools", depth: 0);
        }

        return new ArenaPicture("UInt64", TitleOf(root), reader.Note(), [.. reader._blocks, .. reader._dedicated]) { IsBytes = true };
    }

    private static string TitleOf(JsonElement root)
    {
        if (!root.TryGetProperty("General", out JsonElement general) || general.ValueKind != JsonValueKind.Object)
        {
            return "GPU memory";
        }

        string? gpu = TextOf(general, "GPU");
        return $"{TextOf(general, "API") ?? "GPU"} memory{(gpu is null ? "" : ": " + gpu)}";
    }

    private string Note() =>
        $"{Units.Count(_blocks.Count)} block{(_blocks.Count == 1 ? "" : "s")}, {Units.Count(_dedicated.Count)} dedicated allocation{(_dedicated.Count == 1 ? "" : "s")}";

    private void ReadPools(JsonElement pools, string name, string where, int depth)
    {
        if (pools.ValueKind == JsonValueKind.Array)
        {
            int index = 0;
            foreach (JsonElement pool in pools.EnumerateArray())
            {
                ReadPool(pool, $"{name}, pool {TextOf(pool, "Name") ?? $"{index}"}", $"{where}[{index++}]", depth);
            }

            return;
        }

        if (pools.ValueKind != JsonValueKind.Object)
        {
            throw _json.Fault(where, "expected pools by name");
        }

        foreach (JsonProperty pool in pools.EnumerateObject())
        {
            ReadPool(pool.Value, name.Length == 0 ? pool.Name : $"{name}, {pool.Name}", $"{where}.{pool.Name}", depth);
        }
    }

    private void ReadPool(JsonElement pool, string name, string where, int depth)
    {
        bool isPool = false;
        if (pool.ValueKind == JsonValueKind.Object && pool.TryGetProperty("Blocks", out JsonElement blocks))
        {
            isPool = true;
            ReadBlocks(blocks, name, $"{where}.Blocks");
        }

        if (pool.ValueKind == JsonValueKind.Object && pool.TryGetProperty("DedicatedAllocations", out JsonElement dedicated))
        {
            isPool = true;
            int index = 0;
            foreach (JsonElement allocation in _json.Items(dedicated, $"{where}.DedicatedAllocations"))
            {
                ReadDedicated(allocation, name, $"{where}.DedicatedAllocations[{index++}]");
            }
        }

        if (pool.ValueKind == JsonValueKind.Object && pool.TryGetProperty("CustomPools", out JsonElement custom))
        {
            isPool = true;
            ReadNested(custom, name, $"{where}.CustomPools", depth);
        }

        if (!isPool)
        {
            ReadNested(pool, name, where, depth);
        }
    }

    private void ReadNested(JsonElement pools, string name, string where, int depth)
    {
        if (depth == MostNested)
        {
            throw _json.Fault(where, "there is no \"Blocks\" here, and pools are not nested as deep as this");
        }

        ReadPools(pools, name, where, depth + 1);
    }

    private void ReadBlocks(JsonElement blocks, string pool, string where)
    {
        if (blocks.ValueKind != JsonValueKind.Object)
        {
            throw _json.Fault(where, "expected blocks by number");
        }

        foreach (JsonProperty block in blocks.EnumerateObject())
        {
            ReadBlock(block.Value, $"{pool}, block {block.Name}", $"{where}.{block.Name}");
        }
    }

    private void ReadBlock(JsonElement block, string name, string where)
    {
        ulong size = _json.PlainNumber(block, "TotalBytes", where);
        if (size == 0)
        {
            throw _json.Fault(where, "a block must not be empty");
        }

        List<RangePicture> allocated = [];
        int index = 0;
        foreach (JsonElement item in _json.Items(_json.Member(block, "Suballocations", where), $"{where}.Suballocations"))
        {
            string at = $"{where}.Suballocations[{index++}]";
            RangePicture range = ReadRange(item, _json.PlainNumber(item, "Offset", at), at);
            if (range.Start >= size || range.Size > size - range.Start)
            {
                throw _json.Fault(at, $"the range at {range.Start} of size {range.Size} is not inside its block of {size}");
            }

            if (range.Kind != FreeKind)
            {
                allocated.Add(range);
            }
        }

        _blocks.Add(new SpanPicture(0, size, name, InOrder(allocated, where)));
    }

    // Some versions write them in another order.
    private List<RangePicture> InOrder(List<RangePicture> ranges, string where)
    {
        ranges.Sort((one, other) => one.Start.CompareTo(other.Start));
        for (int i = 1; i < ranges.Count; i++)
        {
            if (ranges[i].Start < ranges[i - 1].Start + ranges[i - 1].Size)
            {
                throw _json.Fault(where, $"the ranges at {ranges[i - 1].Start} and {ranges[i].Start} overlap");
            }
        }

        return ranges;
    }

    private void ReadDedicated(JsonElement item, string pool, string where)
    {
        RangePicture range = ReadRange(item, 0, where);
        _dedicated.Add(new SpanPicture(0, range.Size, $"{pool}, dedicated{(range.Name is null ? "" : " " + range.Name)}", [range]));
    }

    private RangePicture ReadRange(JsonElement item, ulong offset, string where)
    {
        ulong size = _json.PlainNumber(item, "Size", where);
        return size == 0 ? throw _json.Fault(where, "a range must not be empty") : new RangePicture(offset, size, TextOf(item, "Type"), TextOf(item, "Name"));
    }

    private static string? TextOf(JsonElement item, string name) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out JsonElement text)
            && text.ValueKind == JsonValueKind.String && text.GetString() is { Length: > 0 } value ? value : null;
}
