using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Vmem.Tool.Reports;

/// <summary>
/// Reads the JSON of <c>Arena.Snapshot().ToJson()</c>. Not through the library's own <c>ArenaSnapshot&lt;T&gt;</c>: that needs the type
/// before the file is read, and says of a damaged file only that it is damaged; a tool should say where.
/// <para>The bytes are checked to be text first: the JSON reader looks at that only when a string is taken out of it, and then does not
/// say where it was.</para>
/// </summary>
internal sealed class SnapshotReader
{
    private const int KnownVersion = 1;

    // Some twenty million ranges; arbitrary. Beyond it the input is something else, perhaps without an end.
    private const int MostBytes = 512 << 20;

    // Enough to find the place in an editor; arbitrary.
    private const int QuotedLength = 60;

    // Each name once: of two spans lists, which would count?
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

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
        ReadOnlyMemory<byte> text = reader.ReadText(stream);
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, s_strict);
            return reader.ReadArena(document.RootElement);
        }
        catch (JsonException fault)
        {
            string where = $"line {(fault.LineNumber ?? 0) + 1}, byte {(fault.BytePositionInLine ?? 0) + 1}";
            string reason = fault.Message.Split(" LineNumber:", 2)[0].TrimEnd('.');
            throw reader.Fault(where, $"this is not well-formed JSON ({Shorten(reason)})");
        }
        catch (InvalidOperationException)
        {
            // What the JSON reader throws for the escape of half a surrogate pair, in a name or in a value.
            throw reader.Fault("the text", "an escape (\\u…) stands for half a character");
        }
    }

    private ReadOnlyMemory<byte> ReadText(Stream stream)
    {
        var whole = new MemoryStream();
        try
        {
            var buffer = new byte[64 * 1024];
            for (int read; (read = stream.Read(buffer)) > 0;)
            {
                whole.Write(buffer, 0, read);
                if (whole.Length > MostBytes)
                {
                    throw Fault("the file", $"this is more than {MostBytes >> 20} MiB: too large for a snapshot");
                }
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Fault("the file", $"cannot be read ({fault.Message.TrimEnd('.')})");
        }

        ReadOnlyMemory<byte> text = whole.GetBuffer().AsMemory(0, (int)whole.Length);
        text = text.Span.StartsWith(Encoding.UTF8.Preamble) ? text[Encoding.UTF8.Preamble.Length..] : text;
        return Utf8.IsValid(text.Span) ? text : throw NoText(text.Span);
    }

    private SnapshotFormatException NoText(ReadOnlySpan<byte> text)
    {
        int position = 0;
        while (Rune.DecodeFromUtf8(text[position..], out _, out int length) == System.Buffers.OperationStatus.Done)
        {
            position += length;
        }

        ReadOnlySpan<byte> before = text[..position];
        int column = position - (before.LastIndexOf((byte)'\n') + 1);
        return Fault($"line {before.Count((byte)'\n') + 1}, byte {column + 1}", $"the byte 0x{text[position]:x2} is no UTF-8 text");
    }

    private ArenaPicture ReadArena(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("vmemSnapshot", out JsonElement version))
        {
            throw Fault("the top", "there is no \"vmemSnapshot\": this is no snapshot of an arena");
        }

        if (version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int number) || number != KnownVersion)
        {
            throw Fault("vmemSnapshot", $"version {Show(version)} is not known here, only {KnownVersion}");
        }

        string type = Text(root, "type", "type");
        _top = TopOf(type);
        UInt128 quantum = Number(Member(root, "quantum", "quantum"), "quantum");
        if (!UInt128.IsPow2(quantum) || quantum > _top)
        {
            throw Fault("quantum", $"{quantum} is no power of two that a {type} can hold");
        }

        List<SpanPicture> spans = [];
        foreach (JsonElement span in Items(Member(root, "spans", "spans"), "spans"))
        {
            string where = $"spans[{spans.Count}]";
            SpanPicture next = ReadSpan(span, where);
            if (spans.Count > 0 && next.Start <= spans[^1].Start + (spans[^1].Size - 1))
            {
                throw Fault(where, $"the span at {next.Start} does not lie after the one before it");
            }

            spans.Add(next);
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
        _ => throw Fault("type", $"\"{Shorten(type)}\" is none of Byte, UInt16, UInt32, UInt64, UIntPtr, UInt128"),
    };

    private JsonElement Member(JsonElement parent, string name, string where) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement member)
            ? member
            : throw Fault(where, $"\"{name}\" is missing");

    private string Text(JsonElement parent, string name, string where)
    {
        JsonElement member = Member(parent, name, where);
        return member.ValueKind == JsonValueKind.String ? member.GetString()! : throw Fault(where, $"expected a string, found {Show(member)}");
    }

    private JsonElement.ArrayEnumerator Items(JsonElement element, string where) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : throw Fault(where, "expected an array");

    private UInt128 Number(JsonElement element, string where) =>
        element.ValueKind == JsonValueKind.String
            && UInt128.TryParse(element.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 value)
                ? value
                : throw Fault(where, $"expected a decimal number in quotes, found {Show(element)}");

    private static string Show(JsonElement element) => Shorten(element.GetRawText());

    // As it can stand on a terminal.
    private static string Shorten(string text)
    {
        string start = text.Length <= QuotedLength ? text : text[..QuotedLength] + "…";
        return string.Concat(start.Select(letter => char.IsControl(letter) || char.IsSurrogate(letter) ? '.' : letter));
    }

    private SnapshotFormatException Fault(string where, string why) => new(_file, where, why);
}
