using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Vmem.Fuzz.Targets;

/// <summary>
/// The library's snapshots: <see cref="ArenaSnapshot{T}.FromJson"/>, the same through the serialiser, and <see cref="Arena{T}.Restore"/>.
/// The type is that which the input names first, as a program knows its own.
/// </summary>
internal sealed class RestoreTarget : FuzzTarget
{
    private const long FixedBytes = 1 << 20;

    // A range of six bytes takes 32 in a list that doubles; a span of two bytes, {}, takes two objects of 100 bytes together.
    private const long BytesPerByte = 256;

    public override string Name => "restore";

    public override IReadOnlyList<string> Words => SnapshotWords.All;

    public override bool Check(byte[] input) => NameType(input) switch
    {
        "Byte" => Check<byte>(input),
        "UInt16" => Check<ushort>(input),
        "UInt32" => Check<uint>(input),
        "UIntPtr" => Check<nuint>(input),
        "UInt128" => Check<UInt128>(input),
        _ => Check<ulong>(input),
    };

    private static string NameType(ReadOnlySpan<byte> input)
    {
        int type = input.IndexOf("\"type\":\""u8);
        ReadOnlySpan<byte> rest = type < 0 ? default : input[(type + 8)..];
        int length = rest.IndexOf((byte)'"');
        return length < 0 ? "" : Encoding.Latin1.GetString(rest[..length]);
    }

    private static bool Check<T>(byte[] input)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        AllocationBound bound = AllocationBound.Begin(FixedBytes, BytesPerByte, input.Length);
        ArenaSnapshot<T>? snapshot = Read<T>(input);
        ArenaSnapshot<T>? serialised = Deserialise<T>(input);
        bound.Check("The snapshot's reader");
        bool readAlike = serialised is null || serialised.ToJson() == snapshot?.ToJson();
        FindingException.Unless(readAlike, "The serialiser accepts what FromJson refuses, or reads something else.");
        if (snapshot is null)
        {
            return false;
        }

        string json = snapshot.ToJson();
        FindingException.Unless(ArenaSnapshot<T>.FromJson(json).ToJson() == json, "What was read is written as something else.");
        ArenaSnapshot<T>? restored = RestoreOracle<T>.Check(snapshot, useSource: false);
        ArenaSnapshot<T>? withSource = RestoreOracle<T>.Check(snapshot, useSource: true);
        FindingException.Unless((restored is null) == (withSource is null), "A source decides whether a snapshot is restored.");
        if (restored is not null)
        {
            DrawsAlike(restored);
        }

        return restored is not null;
    }

    private static ArenaSnapshot<T>? Read<T>(byte[] input)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        try
        {
            return ArenaSnapshot<T>.FromJson(Encoding.UTF8.GetString(input));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static ArenaSnapshot<T>? Deserialise<T>(byte[] input)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        try
        {
            return JsonSerializer.Deserialize<ArenaSnapshot<T>>(input);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // The tool has a reader of its own: what the library writes it must draw, with the same figures.
    private static void DrawsAlike<T>(ArenaSnapshot<T> snapshot)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(snapshot.ToJson()));
        Tool.Reports.ArenaPicture picture = Tool.Reports.PictureReader.Read("snapshot", stream);
        bool alike = picture.Title == "Arena " + snapshot.Name && picture.Spans.Count == snapshot.Spans.Count;
        FindingException.Unless(alike, "The tool reads another arena.");
    }
}
