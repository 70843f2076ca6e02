using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Vmem.Tool.Processes;

/// <summary>Reads the payload of an event of the source "Vmem", one parameter after the other: see docs/diagnostics.md.</summary>
internal ref struct PayloadReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _left = bytes;

    public string Text()
    {
        ReadOnlySpan<char> chars = MemoryMarshal.Cast<byte, char>(_left);
        int end = chars.IndexOf('\0');
        if (end < 0)
        {
            throw new FormatException("An event ends in the middle of a text.");
        }

        string text = chars[..end].ToString();
        _left = _left[((end + 1) * sizeof(char))..];
        return text;
    }

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    public double Double() => BinaryPrimitives.ReadDoubleLittleEndian(Take(sizeof(double)));

    public ReadOnlySpan<byte> Bytes() => Take(Int32());

    private ReadOnlySpan<byte> Take(int count)
    {
        if ((uint)count > _left.Length)
        {
            throw new FormatException("An event ends in the middle of a value.");
        }

        ReadOnlySpan<byte> taken = _left[..count];
        _left = _left[count..];
        return taken;
    }
}
