using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vmem.Diagnostics;

/// <summary>Gives System.Text.Json the converter for each of the six types an arena may have; named one by one, so that trimming and AOT
/// see them.</summary>
internal sealed class ArenaSnapshotConverterFactory : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(ArenaSnapshot<>);

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        typeToConvert == typeof(ArenaSnapshot<byte>) ? new Converter<byte>() :
        typeToConvert == typeof(ArenaSnapshot<ushort>) ? new Converter<ushort>() :
        typeToConvert == typeof(ArenaSnapshot<uint>) ? new Converter<uint>() :
        typeToConvert == typeof(ArenaSnapshot<ulong>) ? new Converter<ulong>() :
        typeToConvert == typeof(ArenaSnapshot<nuint>) ? new Converter<nuint>() :
        typeToConvert == typeof(ArenaSnapshot<UInt128>) ? new Converter<UInt128>() :
        throw new NotSupportedException($"Snapshots of {typeToConvert} cannot be serialised.");

    private sealed class Converter<T> : JsonConverter<ArenaSnapshot<T>>
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        public override ArenaSnapshot<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            SnapshotJson.Read<T>(ref reader);

        public override void Write(Utf8JsonWriter writer, ArenaSnapshot<T> value, JsonSerializerOptions options) =>
            SnapshotJson.Write(writer, value);
    }
}
