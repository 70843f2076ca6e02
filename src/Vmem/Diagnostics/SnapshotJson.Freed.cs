using System.Numerics;
using System.Text.Json;

namespace Vmem.Diagnostics;

/// <summary>What of the free space was freed apart, and in which order.</summary>
internal static partial class SnapshotJson
{
    private static void WriteFreed<T>(Utf8JsonWriter writer, IReadOnlyList<FreedSnapshot<T>> freed)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        if (freed.Count == 0)
        {
            return;
        }

        writer.WriteStartArray("freed");
        foreach (FreedSnapshot<T> range in freed)
        {
            writer.WriteStartArray();
            writer.WriteStringValue(Text(range.Start));
            writer.WriteStringValue(Text(range.Size));
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }

    private static void ReadFreed<T>(ref Utf8JsonReader reader, List<FreedSnapshot<T>> freed)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        Expect(ref reader, JsonTokenType.StartArray);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Expect(ref reader, JsonTokenType.StartArray);
            _ = reader.Read();
            T start = Number<T>(ref reader, "freed");
            _ = reader.Read();
            T size = Number<T>(ref reader, "freed");
            _ = reader.Read();
            Expect(ref reader, JsonTokenType.EndArray);
            freed.Add(new FreedSnapshot<T>(start, size));
        }
    }
}
