using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Vmem.Diagnostics;

/// <summary>The JSON form of a snapshot, written and read by hand so that it needs neither reflection nor a serialiser that knows 128-bit
/// and native integers.</summary>
/// <remarks><code>
/// {"vmemSnapshot":1,"type":"UInt64","name":"heap","quantum":"16","policy":"InstantFit",
///  "completedFence":"6",
///  "spans":[{"start":"0","size":"1048576","imported":false,"allocated":[["0","64"],["128","32"]]}],
///  "resting":[["64","16","ticks","250000"],["192","16","fence","7"]]}
/// </code>
/// A range with a tag has it as a third string, one with a kind a fourth element, a number. Where next fit has been used, "rotor" and, if
/// it is another, "rotorLead" follow the policy. Where oldest fit goes by it, "freed" says at the end what was freed apart, the oldest
/// first: [["8","1"],["3","1"]].</remarks>
internal static partial class SnapshotJson
{
    public static void Write<T>(Utf8JsonWriter writer, ArenaSnapshot<T> snapshot)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        writer.WriteStartObject();
        writer.WriteNumber("vmemSnapshot", snapshot.Version);
        writer.WriteString("type", typeof(T).Name);
        writer.WriteString("name", snapshot.Name);
        writer.WriteString("quantum", Text(snapshot.Quantum));
        writer.WriteString("policy", snapshot.Policy.ToString());
        if (!T.IsZero(snapshot.Rotor) || snapshot.RotorLead is not null)
        {
            writer.WriteString("rotor", Text(snapshot.Rotor));
        }

        if (snapshot.RotorLead is { } lead)
        {
            writer.WriteString("rotorLead", Text(lead));
        }

        if (snapshot.CompletedFence is { } fence)
        {
            writer.WriteString("completedFence", Text(fence));
        }

        writer.WriteStartArray("spans");
        foreach (SpanSnapshot<T> span in snapshot.Spans)
        {
            writer.WriteStartObject();
            writer.WriteString("start", Text(span.Start));
            writer.WriteString("size", Text(span.Size));
            if (span.IsWhole)
            {
                writer.WriteBoolean("whole", true);
            }

            if (span.IsDraining)
            {
                writer.WriteBoolean("draining", true);
            }

            writer.WriteBoolean("imported", span.Imported);
            writer.WriteStartArray("allocated");
            foreach (RangeSnapshot<T> range in span.Allocated)
            {
                writer.WriteStartArray();
                writer.WriteStringValue(Text(range.Start));
                writer.WriteStringValue(Text(range.Size));
                WriteNote(writer, range.Tag, range.Kind);
                writer.WriteEndArray();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteRests(writer, snapshot.Resting);
        WriteFreed(writer, snapshot.Freed);
        writer.WriteEndObject();
    }

    private static void WriteRests<T>(Utf8JsonWriter writer, IReadOnlyList<RestSnapshot<T>> rests)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        if (rests.Count == 0)
        {
            return;
        }

        writer.WriteStartArray("resting");
        foreach (RestSnapshot<T> rest in rests)
        {
            writer.WriteStartArray();
            writer.WriteStringValue(Text(rest.Start));
            writer.WriteStringValue(Text(rest.Size));
            writer.WriteStringValue(rest.Fence is null ? "ticks" : "fence");
            writer.WriteStringValue(Text(rest.Fence ?? (ulong)Math.Max(0, rest.Remaining.Ticks)));
            WriteNote(writer, rest.Tag, rest.Kind);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }

    private static void WriteNote(Utf8JsonWriter writer, ulong tag, int kind)
    {
        if (tag != 0 || kind != 0)
        {
            writer.WriteStringValue(Text(tag));
        }

        if (kind != 0)
        {
            writer.WriteNumberValue(kind);
        }
    }

    public static ArenaSnapshot<T> Read<T>(ref Utf8JsonReader reader)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        int version = 0;
        string? type = null;
        string? name = null;
        T quantum = T.Zero;
        FitPolicy policy = default;
        T rotor = T.Zero;
        T? lead = null;
        List<SpanSnapshot<T>>? spans = null;
        List<RestSnapshot<T>> resting = [];
        List<FreedSnapshot<T>> freed = [];
        ulong? completedFence = null;
        Expect(ref reader, JsonTokenType.StartObject);
        while (NextProperty(ref reader, out string property))
        {
            switch (property)
            {
                case "vmemSnapshot":
                    Expect(ref reader, JsonTokenType.Number);
                    version = reader.TryGetInt32(out int number) ? number : 0;
                    break;
                case "type":
                    type = Text(ref reader, property);
                    break;
                case "name":
                    name = Text(ref reader, property);
                    break;
                case "quantum":
                    quantum = Number<T>(ref reader, property);
                    break;
                case "policy":
                    policy = Enum.TryParse(Text(ref reader, property), out FitPolicy parsed)
                        && Enum.IsDefined(parsed) ? parsed : throw new JsonException("\"policy\" names no policy.");
                    break;
                case "rotor":
                    rotor = Number<T>(ref reader, property);
                    break;
                case "rotorLead":
                    lead = Number<T>(ref reader, property);
                    break;
                case "completedFence":
                    completedFence = Number<ulong>(ref reader, property);
                    break;
                case "resting":
                    ReadRests(ref reader, resting);
                    break;
                case "freed":
                    ReadFreed(ref reader, freed);
                    break;
                case "spans":
                    spans = ReadSpans<T>(ref reader);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return version != ArenaSnapshot<T>.CurrentVersion ? throw new JsonException($"\"vmemSnapshot\" must be {ArenaSnapshot<T>.CurrentVersion}, the version of the format; it is {version}.")
            : type != typeof(T).Name ? throw new JsonException($"\"type\" must be \"{typeof(T).Name}\"; it is \"{type}\".")
            : name is null || spans is null || T.IsZero(quantum) ? throw new JsonException("\"name\", \"quantum\" and \"spans\" must all be there.")
            : new ArenaSnapshot<T>
            {
                Version = version,
                Name = name,
                Quantum = quantum,
                Policy = policy,
                Rotor = rotor,
                RotorLead = lead,
                Spans = spans,
                Resting = resting,
                Freed = freed,
                CompletedFence = completedFence,
            };
    }

    private static List<SpanSnapshot<T>> ReadSpans<T>(ref Utf8JsonReader reader)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        List<SpanSnapshot<T>> spans = [];
        Expect(ref reader, JsonTokenType.StartArray);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            T start = T.Zero;
            T size = T.Zero;
            bool imported = false;
            bool isWhole = false;
            bool isDraining = false;
            List<RangeSnapshot<T>> allocated = [];
            Expect(ref reader, JsonTokenType.StartObject);
            while (NextProperty(ref reader, out string property))
            {
                switch (property)
                {
                    case "start":
                        start = Number<T>(ref reader, property);
                        break;
                    case "size":
                        size = Number<T>(ref reader, property);
                        break;
                    case "imported":
                        imported = Flag(ref reader, property);
                        break;
                    case "draining":
                        isDraining = Flag(ref reader, property);
                        break;
                    case "whole":
                        isWhole = Flag(ref reader, property);
                        break;
                    case "allocated":
                        ReadRanges(ref reader, allocated);
                        break;
                    default:
                        reader.Skip();
                        break;
                }
            }

            spans.Add(new SpanSnapshot<T>
            {
                Start = start,
                Size = size,
                IsWhole = isWhole,
                IsDraining = isDraining,
                Imported = imported,
                Allocated = allocated,
            });
        }

        return spans;
    }

    private static void ReadRanges<T>(ref Utf8JsonReader reader, List<RangeSnapshot<T>> ranges)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        Expect(ref reader, JsonTokenType.StartArray);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Expect(ref reader, JsonTokenType.StartArray);
            _ = reader.Read();
            T start = Number<T>(ref reader, "allocated");
            _ = reader.Read();
            T size = Number<T>(ref reader, "allocated");
            (ulong tag, int kind) = ReadNoteAndEnd(ref reader, "allocated");
            ranges.Add(new RangeSnapshot<T>(start, size) { Tag = tag, Kind = kind });
        }
    }

    private static void ReadRests<T>(ref Utf8JsonReader reader, List<RestSnapshot<T>> rests)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        Expect(ref reader, JsonTokenType.StartArray);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Expect(ref reader, JsonTokenType.StartArray);
            _ = reader.Read();
            T start = Number<T>(ref reader, "resting");
            _ = reader.Read();
            T size = Number<T>(ref reader, "resting");
            _ = reader.Read();
            string unit = Text(ref reader, "resting");
            _ = reader.Read();
            ulong until = Number<ulong>(ref reader, "resting");
            (ulong tag, int kind) = ReadNoteAndEnd(ref reader, "resting");
            RestSnapshot<T> rest = unit switch
            {
                "fence" => new RestSnapshot<T>(start, size, TimeSpan.Zero, until),
                "ticks" => new RestSnapshot<T>(start, size, TimeSpan.FromTicks((long)Math.Min(until, long.MaxValue)), null),
                _ => throw new JsonException($"A rest ends after \"ticks\" or with a \"fence\", not with \"{unit}\"."),
            };
            rests.Add(rest with { Tag = tag, Kind = kind });
        }
    }

    /// <summary>The tag and the kind at the end of a range's array, if they are there.</summary>
    private static (ulong Tag, int Kind) ReadNoteAndEnd(ref Utf8JsonReader reader, string property)
    {
        ulong tag = 0;
        int kind = 0;
        if (reader.Read() && reader.TokenType == JsonTokenType.String)
        {
            tag = Number<ulong>(ref reader, property);
            if (reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out kind))
            {
                _ = reader.Read();
            }
        }

        Expect(ref reader, JsonTokenType.EndArray);
        return (tag, kind);
    }

    /// <summary>Moves to the value of the next property; false at the end of the object.</summary>
    private static bool NextProperty(ref Utf8JsonReader reader, out string property)
    {
        property = "";
        if (!reader.Read() || reader.TokenType == JsonTokenType.EndObject)
        {
            return false;
        }

        Expect(ref reader, JsonTokenType.PropertyName);
        property = reader.GetString()!;
        _ = reader.Read();
        return true;
    }

    private static bool Flag(ref Utf8JsonReader reader, string property) => reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw new JsonException($"\"{property}\" must be true or false."),
    };

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType token)
    {
        if (reader.TokenType != token)
        {
            throw new JsonException($"At byte {reader.TokenStartIndex}: {token} was expected, and there is {reader.TokenType}.");
        }
    }

    private static string Text(ref Utf8JsonReader reader, string property) =>
        reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new JsonException($"At byte {reader.TokenStartIndex}: \"{property}\" must be a string.");

    private static T Number<T>(ref Utf8JsonReader reader, string property)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
        T.TryParse(Text(ref reader, property), NumberStyles.None, CultureInfo.InvariantCulture, out T number)
            ? number
            : throw new JsonException($"At byte {reader.TokenStartIndex}: \"{property}\" must be a decimal number that {typeof(T).Name} can hold.");

    private static string Text<T>(T number)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> => number.ToString(null, CultureInfo.InvariantCulture);
}
