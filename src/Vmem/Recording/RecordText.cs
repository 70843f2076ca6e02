using System.Buffers.Text;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace Vmem.Recording;

/// <summary>Lines of a recording, collected in a buffer on their way to the stream. docs/recording.md has every line's meaning.</summary>
/// <remarks>
/// Text in decimal: the writer spends 13 to 20 ns on a record (docs/recording.md), no more than the thread that made it. Rejected: a binary
/// form. It would be shorter before compression, and nobody could read it with <c>less</c>, write it from a script, or mend it.
/// </remarks>
internal sealed class RecordText<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Larger than the buffer of a <see cref="FileStream"/>, which then does not copy. Arbitrary beyond that.</summary>
    private const int BufferSize = 64 * 1024;

    /// <summary>A letter, two numbers of 128 bits, one of 64, three blanks and the end of the line, rounded up.</summary>
    private const int LongestNumbers = 128;

    /// <summary>Longer names are cut: the line must fit the buffer. Arbitrary.</summary>
    private const int LongestName = 256;

    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[BufferSize];
    private readonly int _unitShift;
    private int _count;
    private long _flushed;

    /// <summary>Makes an empty buffer.</summary>
    /// <param name="stream">Where the lines go.</param>
    /// <param name="unitShift">The base-2 logarithm of how many values one unit of the text is.</param>
    public RecordText(Stream stream, int unitShift)
    {
        _stream = stream;
        _unitShift = unitShift;
    }

    /// <summary>How much was given to the stream.</summary>
    public long BytesWritten => Volatile.Read(ref _flushed);

    /// <summary>A line with an ID or an address.</summary>
    public void Line(char letter, T start)
    {
        Begin(letter);
        Number(start);
        End();
    }

    /// <summary>A line with a range, and its tag unless that is 0.</summary>
    public void Line(char letter, T start, T size, ulong tag)
    {
        Begin(letter);
        Number(start);
        _buffer[_count++] = (byte)' ';
        Number(size);
        if (tag != 0)
        {
            _buffer[_count++] = (byte)' ';
            Decimal(tag);
        }

        End();
    }

    /// <summary>A line with a number that is no amount of the arena's.</summary>
    public void Line(char letter, ulong value)
    {
        Begin(letter);
        Decimal(value);
        End();
    }

    /// <summary>A line with a number, and a name that may have blanks.</summary>
    public void Line(char letter, ulong value, string name)
    {
        Begin(letter);
        Decimal(value);
        _buffer[_count++] = (byte)' ';
        Name(name);
        End();
    }

    /// <summary>A line with a name.</summary>
    public void Line(char letter, string name)
    {
        Begin(letter);
        Name(name);
        End();
    }

    /// <summary>A line as it is: short, and ASCII.</summary>
    public void Verbatim(string line)
    {
        Reserve();
        _count += Encoding.ASCII.GetBytes(line, _buffer.AsSpan(_count));
        End();
    }

    /// <summary>Gives everything to the stream.</summary>
    public void Flush()
    {
        if (_count > 0)
        {
            int count = _count;
            _count = 0;
            _stream.Write(_buffer, 0, count);
            Volatile.Write(ref _flushed, _flushed + count);
        }
    }

    private void Begin(char letter)
    {
        Reserve();
        _buffer[_count++] = (byte)letter;
        _buffer[_count++] = (byte)' ';
    }

    private void End() => _buffer[_count++] = (byte)'\n';

    private void Reserve()
    {
        if (_count > BufferSize - LongestNumbers - (3 * LongestName))
        {
            Flush();
        }
    }

    /// <summary>An amount or an address, in units of the text.</summary>
    private void Number(T value)
    {
        T scaled = value >>> _unitShift;
        if (Unsafe.SizeOf<T>() <= sizeof(ulong) || scaled <= T.CreateTruncating(ulong.MaxValue))
        {
            Decimal(ulong.CreateTruncating(scaled));
            return;
        }

        _ = UInt128.CreateTruncating(scaled).TryFormat(_buffer.AsSpan(_count), out int written, default, null);
        _count += written;
    }

    private void Decimal(ulong value)
    {
        _ = Utf8Formatter.TryFormat(value, _buffer.AsSpan(_count), out int written);
        _count += written;
    }

    private void Name(string name)
    {
        int from = _count;
        _count += Encoding.UTF8.GetBytes(name.AsSpan(0, Math.Min(name.Length, LongestName)), _buffer.AsSpan(_count));
        foreach (ref byte value in _buffer.AsSpan(from, _count - from))
        {
            value = value < ' ' ? (byte)' ' : value;          // a line break would end the line
        }
    }
}
