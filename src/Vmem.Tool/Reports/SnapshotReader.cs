using System.Globalization;
using System.Text.Json;

namespace Vmem.Tool.Reports;

/// <summary>
/// Reads the JSON of <c>Arena.Snapshot().ToJson()</c>. Not through the library's own <c>ArenaSnapshot&lt;T&gt;</c>: that needs the type
/// before the file is read, and says of a damaged file only that it is damaged; a tool should say where.
/// </summary>
internal sealed class SnapshotReader
{
    private const int KnownVersion = 1;

    private readonly string _file;
    private UInt128 _top;

    private SnapshotReader(string file)
    {
        _file = file;
    }

    /// <exception cref="SnapshotFormatException">It is no snapshot.</exception>
    public static ArenaPicture Read(string file, Stream stream)
    {
        var reader = new SnapshotReader(file);
        try
        {
            using JsonDocument document = JsonDocument.Parse(stream);
            return reader.ReadArena(document.RootElement);
        }
        catch (JsonException fault)
        {
            string where = $"line {(fault.LineNumber ?? 0) + 1}, byte {(fault.BytePositionInLine ?? 0) + 1}";
            throw new SnapshotFormatException(file, where, "this is not well-formed JSON");
        }
    }

    private ArenaPicture ReadArena(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("vmemSnapshot", out JsonElement version))
        {
            throw Fault("the top", "there is no \"vmemSnapshot\": this is no snapshot of an arena");
        }

        if (version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int number) || number != KnownVersion)
        {
            throw Fault("vmemSnapshot", $"version {version.GetRawText()} is not known here, only {KnownVersion}");
        }

        string type = Text(root, "type", "type");
        _top = TopOf(type);
        UInt128 quantum = Number(Member(root, "quantum", "quantum"), "quantum");
        List<SpanPicture> spans = [];
        foreach (JsonElement span in Items(Member(root, "spans", "spans"), "spans"))
        {
            spans.Add(ReadSpan(span, $"spans[{spans.Count}]"));
        }

        return new ArenaPicture(type, Text(root, "name", "name"), quantum, Text(root, "policy", "policy"), spans);
    }

    private SpanPicture ReadSpan(JsonElement span, string where)
    {
        UInt128 start = Number(Member(span, "start", where), $"{where}.start");
        UInt128 size = Number(Member(span, "size", where), $"{where}.size");
        RangePicture whole = Range(start, size, where);
        bool imported = span.TryGetProperty("imported", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
        List<RangePicture> allocated = [];
        UInt128 spanLast = start + (size - 1);
        foreach (JsonElement item in Items(Member(span, "allocated", where), $"{where}.allocated"))
        {
            string at = $"{where}.allocated[{allocated.Count}]";
            RangePicture range = ReadRange(item, at);
            if (range.Start < whole.Start || range.Start + (range.Size - 1) > spanLast)
            {
                throw Fault(at, $"the range at {range.Start} of size {range.Size} is not inside its span");
            }

            if (allocated.Count > 0 && range.Start <= allocated[^1].Start + (allocated[^1].Size - 1))
            {
                throw Fault(at, $"the range at {range.Start} does not lie after the one before it");
            }

            allocated.Add(range);
        }

        return new SpanPicture(start, size, imported, allocated);
    }

    private RangePicture ReadRange(JsonElement item, string where)
    {
        if (item.ValueKind != JsonValueKind.Array || item.GetArrayLength() != 2)
        {
            throw Fault(where, "expected [\"start\", \"size\"]");
        }

        return Range(Number(item[0], $"{where}[0]"), Number(item[1], $"{where}[1]"), where);
    }

    private RangePicture Range(UInt128 start, UInt128 size, string where)
    {
        if (size == 0 || start > _top || size - 1 > _top - start)
        {
            throw Fault(where, $"start {start} and size {size} reach beyond the type, or are empty");
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
        _ => throw Fault("type", $"\"{type}\" is none of Byte, UInt16, UInt32, UInt64, UIntPtr, UInt128"),
    };

    private JsonElement Member(JsonElement parent, string name, string where) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement member)
            ? member
            : throw Fault(where, $"\"{name}\" is missing");

    private string Text(JsonElement parent, string name, string where)
    {
        JsonElement member = Member(parent, name, where);
        return member.ValueKind == JsonValueKind.String ? member.GetString()! : throw Fault(where, $"expected a string, found {member.GetRawText()}");
    }

    private JsonElement.ArrayEnumerator Items(JsonElement element, string where) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : throw Fault(where, "expected an array");

    private UInt128 Number(JsonElement element, string where) =>
        element.ValueKind == JsonValueKind.String
            && UInt128.TryParse(element.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 value)
                ? value
                : throw Fault(where, $"expected a decimal number in quotes, found {element.GetRawText()}");

    private SnapshotFormatException Fault(string where, string why) => new(_file, where, why);
}
