using System.Text.Json;

namespace Vmem.Tool.Reports;

/// <summary>
/// Reads the JSON of <c>Arena.Snapshot().ToJson()</c>. Not through the library's own <c>ArenaSnapshot&lt;T&gt;</c>: that needs the type
/// before the file is read, and says of a damaged file only that it is damaged; a tool should say where.
/// </summary>
internal sealed class SnapshotReader(JsonFile json)
{
    /// <summary>By it one knows a snapshot.</summary>
    public const string VersionMember = "vmemSnapshot";

    private const int KnownVersion = 1;

    private UInt128 _top;

    /// <exception cref="SnapshotFormatException">It is no snapshot.</exception>
    public ArenaPicture Read(JsonElement root)
    {
        JsonElement version = json.Member(root, VersionMember, "the top");
        if (version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int number) || number != KnownVersion)
        {
            throw json.Fault(VersionMember, $"version {JsonFile.Show(version)} is not known here, only {KnownVersion}");
        }

        string type = json.Text(root, "type", "type");
        _top = TopOf(type);
        UInt128 quantum = json.Number(json.Member(root, "quantum", "quantum"), "quantum");
        if (quantum == 0 || quantum > _top)
        {
            throw json.Fault("quantum", $"{quantum} is no quantum of a {type}: from 1 to {_top}");
        }

        List<SpanPicture> spans = [];
        foreach (JsonElement span in json.Items(json.Member(root, "spans", "spans"), "spans"))
        {
            string where = $"spans[{spans.Count}]";
            SpanPicture next = ReadSpan(span, where);
            if (spans.Count > 0 && next.Start <= spans[^1].Start + (spans[^1].Size - 1))
            {
                throw json.Fault(where, $"the span at {next.Start} does not lie after the one before it");
            }

            spans.Add(next);
        }

        string note = $"{type}, quantum {quantum}, {json.Text(root, "policy", "policy")}, {Units.Count(spans.Count)} span{(spans.Count == 1 ? "" : "s")}";
        return new ArenaPicture(type, "Arena " + json.Text(root, "name", "name"), note, spans) { IsBytes = ArenaPicture.IsOfBytes(type, quantum) };
    }

    private SpanPicture ReadSpan(JsonElement span, string where)
    {
        UInt128 start = json.Number(json.Member(span, "start", where), $"{where}.start");
        UInt128 size = json.Number(json.Member(span, "size", where), $"{where}.size");
        bool isWhole = span.TryGetProperty("whole", out JsonElement whole) && whole.ValueKind == JsonValueKind.True && start == 0 && size == 0;
        size = isWhole ? _top + (_top == UInt128.MaxValue ? 0u : 1u) : size;         // of 2^128 values the last is not drawn
        RangePicture bounds = Range(start, size, where);
        bool imported = span.TryGetProperty("imported", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
        List<RangePicture> allocated = [];
        UInt128 spanLast = start + (size - 1);
        foreach (JsonElement item in json.Items(json.Member(span, "allocated", where), $"{where}.allocated"))
        {
            string at = $"{where}.allocated[{allocated.Count}]";
            RangePicture range = ReadRange(item, at);
            if (range.Start < bounds.Start || range.Start + (range.Size - 1) > spanLast)
            {
                throw json.Fault(at, $"the range at {range.Start} of size {range.Size} is not inside its span");
            }

            if (allocated.Count > 0 && range.Start <= allocated[^1].Start + (allocated[^1].Size - 1))
            {
                throw json.Fault(at, $"the range at {range.Start} does not lie after the one before it");
            }

            allocated.Add(range);
        }

        return new SpanPicture(start, size, imported ? "imported span" : "span", allocated);
    }

    private RangePicture ReadRange(JsonElement item, string where)
    {
        if (item.ValueKind != JsonValueKind.Array || item.GetArrayLength() is not (2 or 3 or 4))
        {
            throw json.Fault(where, "expected [\"start\", \"size\"], and perhaps a tag and a kind");
        }

        RangePicture range = Range(json.Number(item[0], $"{where}[0]"), json.Number(item[1], $"{where}[1]"), where);
        return item.GetArrayLength() switch
        {
            2 => range,
            3 => range with { Kind = $"tag {json.Number(item[2], $"{where}[2]")}" },
            _ => range with { Kind = $"kind {JsonFile.Show(item[3])}", Name = $"tag {json.Number(item[2], $"{where}[2]")}" },
        };
    }

    private RangePicture Range(UInt128 start, UInt128 size, string where)
    {
        if (size == 0 || start > _top || size - 1 > _top - start)
        {
            throw json.Fault(where, $"start {start} and size {size} reach beyond the type, or are empty");
        }

        return new RangePicture(start, size);
    }

    private UInt128 TopOf(string type) => type switch
    {
        "Byte" => byte.MaxValue,
        "UInt16" => ushort.MaxValue,
        "UInt32" => uint.MaxValue,
        "UInt64" or "UIntPtr" => ulong.MaxValue,
        "UInt128" => UInt128.MaxValue,
        _ => throw json.Fault("type", $"\"{JsonFile.Shorten(type)}\" is none of Byte, UInt16, UInt32, UInt64, UIntPtr, UInt128"),
    };
}
