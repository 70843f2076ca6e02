using System.Buffers.Binary;

namespace Vmem.Leasing.Sqlite.Sql;

/// <summary>What is bound to a parameter of a statement.</summary>
internal readonly struct Value
{
    private Value(ValueKind kind, long number = 0, UInt128 wide = default, string? text = null) =>
        (Kind, Number, Wide, Text) = (kind, number, wide, text);

    /// <summary>What it is.</summary>
    public ValueKind Kind { get; }

    public long Number { get; }

    public UInt128 Wide { get; }

    public string? Text { get; }

    public static implicit operator Value(long number) => new(ValueKind.Number, number);

    public static implicit operator Value(long? number) => number is { } known ? new(ValueKind.Number, known) : default;

    public static implicit operator Value(UInt128 wide) => new(ValueKind.Wide, wide: wide);

    public static implicit operator Value(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return new Value(ValueKind.Wide, wide: BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    public static implicit operator Value(Guid? id) => id is { } known ? known : default(Value);

    public static implicit operator Value(string text) => new(ValueKind.Text, text: text);
}

/// <summary>The kinds of values.</summary>
internal enum ValueKind
{
    Null,
    Number,

    /// <summary>16 bytes, the highest first: so their order is that of the numbers.</summary>
    Wide,
    Text,
}
