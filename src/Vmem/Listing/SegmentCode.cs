using System.Buffers.Binary;

namespace Vmem.Listing;

/// <summary>Segments as bytes, some for each: what a rundown writes, and <c>vmem map -p</c> reads.</summary>
/// <remarks>
/// <para>
/// Each begins with a byte, its <see cref="SegmentKind"/>. A span, and a <see cref="Place"/>, go on with two 128-bit numbers, little end
/// first: start and size in units; the size of a place is 0. Any other segment follows the one before it, or begins at the span or place
/// just named; it goes on with its size in quanta, seven bits a byte, the lowest first, the top bit set in all bytes but the last. A
/// <see cref="Slab"/> has a second such number: how many quanta of it are not out.
/// </para>
/// <para>A batch begins with a span or a place. Batches are of different moments.</para>
/// </remarks>
internal static class SegmentCode
{
    /// <summary>An allocated segment that quantum caches cut up.</summary>
    public const byte Slab = 0x40;

    /// <summary>Not a segment: where the next one begins.</summary>
    public const byte Place = 0x80;

    /// <summary>The longest code of one segment.</summary>
    public const int Longest = 1 + (2 * 19);

    public static int WritePlace(Span<byte> bytes, byte kind, UInt128 start, UInt128 size)
    {
        bytes[0] = kind;
        BinaryPrimitives.WriteUInt128LittleEndian(bytes[1..], start);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes[17..], size);
        return 33;
    }

    public static int WriteNumber(Span<byte> bytes, UInt128 number)
    {
        int length = 0;
        for (; number > 0x7F; number >>= 7)
        {
            bytes[length++] = (byte)((byte)number | 0x80);
        }

        bytes[length++] = (byte)number;
        return length;
    }
}
