using System.Buffers.Binary;
using System.IO.Compression;

namespace Vmem.Samples;

/// <summary>Writes an image of four bytes a pixel as PNG: three chunks, each with its length, its name and a check sum.</summary>
internal static class PngFile
{
    private const int BytesOfPixel = 4;
    private const uint Polynomial = 0xEDB88320;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public static void Write(Stream stream, ReadOnlySpan<byte> pixels, int width, int height)
    {
        stream.Write(Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = 8;                            // bits a channel
        header[9] = 6;                            // red, green, blue, alpha; the rest: deflated, plain filters, not interlaced
        WriteChunk(stream, "IHDR"u8, header);
        using var data = new MemoryStream();
        using (var deflated = new ZLibStream(data, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            for (int row = 0; row < height; row++)
            {
                deflated.WriteByte(0);            // no filter
                deflated.Write(pixels.Slice(row * width * BytesOfPixel, width * BytesOfPixel));
            }
        }

        WriteChunk(stream, "IDAT"u8, data.ToArray());
        WriteChunk(stream, "IEND"u8, []);
    }

    private static void WriteChunk(Stream stream, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        stream.Write(number);
        stream.Write(name);
        stream.Write(content);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Add(Add(uint.MaxValue, name), content));
        stream.Write(number);
    }

    private static uint Add(uint sum, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            sum ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                sum = sum >> 1 ^ (Polynomial & (uint)-(int)(sum & 1));
            }
        }

        return sum;
    }
}
