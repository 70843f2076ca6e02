namespace Vmem.Tool.Traces;

/// <summary>
/// Cuts a stream into lines without making strings of them: each line is a window on one buffer, valid until the next call.
/// A <c>PipeReader</c> was tried on paper and left out: it hands out sequences of several pieces, and every line of every parser would pay
/// for the line in ten thousand that lies across two of them.
/// </summary>
internal sealed class LineReader
{
    // Arbitrary, but large enough that the cost of a read is spread over some 20,000 lines, and small enough for the second-level cache.
    internal const int InitialBuffer = 256 * 1024;

    // A line of a recording is tens of bytes; heaptrack's longest hold a command line or a symbol. Beyond this the input is no text.
    internal const int LongestLine = 1024 * 1024;

    private readonly Stream _stream;
    private byte[] _buffer = new byte[InitialBuffer];
    private int _start;
    private int _end;
    private bool _ended;

    public LineReader(Stream stream)
    {
        _stream = stream;
    }

    /// <summary>The number of the line last read, from 1.</summary>
    public long LineNumber { get; private set; }

    /// <summary>Whether the line last read had an end; false of the last one of a text that breaks off.</summary>
    public bool HasEnd { get; private set; }

    /// <summary>The next line without its end (LF or CR LF); false at the end of the stream.</summary>
    /// <exception cref="LineTooLongException">A line is longer than <see cref="LongestLine"/>.</exception>
    public bool TryReadLine(out ReadOnlySpan<byte> line)
    {
        int length = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
        if (length < 0)
        {
            return TryReadAcrossBuffers(out line);
        }

        line = Take(length, length + 1);
        return true;
    }

    private bool TryReadAcrossBuffers(out ReadOnlySpan<byte> line)
    {
        while (true)
        {
            int searched = _end - _start;
            if (!_ended)
            {
                Fill();
            }

            int found = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (found >= 0)
            {
                line = Take(searched + found, searched + found + 1);
                return true;
            }

            if (_ended)
            {
                int rest = _end - _start;
                line = rest == 0 ? default : Take(rest, rest);
                return rest != 0;
            }
        }
    }

    private ReadOnlySpan<byte> Take(int length, int consumed)
    {
        // Here too: the buffer may hold the end of a line that is too long.
        RefuseTooLong(length);
        ReadOnlySpan<byte> line = _buffer.AsSpan(_start, length);
        _start += consumed;
        LineNumber++;
        HasEnd = consumed > length;
        return !line.IsEmpty && line[^1] == '\r' ? line[..^1] : line;
    }

    private void Fill()
    {
        int rest = _end - _start;
        RefuseTooLong(rest);
        byte[] target = rest > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
        _buffer.AsSpan(_start, rest).CopyTo(target);
        _buffer = target;
        _start = 0;
        int read = _stream.Read(_buffer, rest, _buffer.Length - rest);
        _end = rest + read;
        _ended = read == 0;
    }

    private static void RefuseTooLong(int length)
    {
        if (length > LongestLine)
        {
            throw new LineTooLongException($"the line is longer than {LongestLine} bytes: this is no recording");
        }
    }
}

internal sealed class LineTooLongException(string message) : Exception(message);
