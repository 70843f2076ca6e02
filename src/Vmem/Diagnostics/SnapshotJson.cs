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

    private static string Text<T>(T number)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> => number.ToString(null, CultureInfo.InvariantCulture);
}
