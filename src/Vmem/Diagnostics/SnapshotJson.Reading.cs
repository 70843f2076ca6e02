using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Vmem.Diagnostics;

// A snapshot as it is read. What it says is checked when it is restored.
internal static partial class SnapshotJson
{
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
}
