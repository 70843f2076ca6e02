using System.Globalization;
using System.Text.Json;

namespace Vmem.Tool.Reports;

/// <summary>Takes members out of JSON, and says of what is missing or wrong in which file it is, and where.</summary>
internal sealed class JsonFile(string file)
{
    // Enough to find the place in an editor; arbitrary.
    private const int QuotedLength = 60;

    public JsonElement Member(JsonElement parent, string name, string where) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement member)
            ? member
            : throw Fault(where, $"\"{name}\" is missing");

    public string Text(JsonElement parent, string name, string where)
    {
        JsonElement member = Member(parent, name, where);
        return member.ValueKind == JsonValueKind.String ? member.GetString()! : throw Fault(where, $"expected a string, found {Show(member)}");
    }

    public JsonElement.ArrayEnumerator Items(JsonElement element, string where) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : throw Fault(where, "expected an array");

    public UInt128 Number(JsonElement element, string where) =>
        element.ValueKind == JsonValueKind.String
            && UInt128.TryParse(element.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 value)
                ? value
                : throw Fault(where, $"expected a decimal number in quotes, found {Show(element)}");

    /// <summary>The same of a number that stands there as one.</summary>
    public ulong PlainNumber(JsonElement parent, string name, string where)
    {
        JsonElement member = Member(parent, name, where);
        return member.ValueKind == JsonValueKind.Number && member.TryGetUInt64(out ulong value)
            ? value
            : throw Fault($"{where}.{name}", $"expected a number from 0 to 2^64 - 1, found {Show(member)}");
    }

    public static string Show(JsonElement element) => Shorten(element.GetRawText());

    /// <summary>The beginning of a text, as it can stand on a terminal.</summary>
    public static string Shorten(string text)
    {
        string start = text.Length <= QuotedLength ? text : text[..QuotedLength] + "…";
        return string.Concat(start.Select(letter => char.IsControl(letter) || char.IsSurrogate(letter) ? '.' : letter));
    }

    public SnapshotFormatException Fault(string where, string why) => new(file, where, why);
}
