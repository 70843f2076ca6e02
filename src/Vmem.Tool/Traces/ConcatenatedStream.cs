namespace Vmem.Tool.Traces;

/// <summary>
/// One stream out of some bytes, a stream, and some bytes more; it counts what passes. The bytes in front were read to see what the stream
/// is, and standard input cannot be rewound; those behind are <see cref="CheckedGzipStream"/>'s.
/// </summary>
internal sealed class ConcatenatedStream : Stream
{
    private readonly Stream _middle;
    private ReadOnlyMemory<byte> _front;
    private ReadOnlyMemory<byte> _back;
    private long _bytesRead;

    public ConcatenatedStream(ReadOnlyMemory<byte> front, Stream middle)
    {
        _front = front;
        _middle = middle;
    }

    public ConcatenatedStream(Stream middle, ReadOnlyMemory<byte> back)
    {
        _middle = middle;
        _back = back;
    }

    /// <summary>Read by the progress display's thread.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>Whether all of the stream itself was read.</summary>
    public bool MiddleEnded { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        int read = Take(ref _front, buffer);
        if (read == 0 && !MiddleEnded)
        {
            read = _middle.Read(buffer);
            MiddleEnded = read == 0 && !buffer.IsEmpty;
        }

        if (read == 0 && MiddleEnded)
        {
            read = Take(ref _back, buffer);
        }

        Interlocked.Add(ref _bytesRead, read);
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private static int Take(ref ReadOnlyMemory<byte> bytes, Span<byte> buffer)
    {
        int taken = Math.Min(buffer.Length, bytes.Length);
        bytes.Span[..taken].CopyTo(buffer);
        bytes = bytes[taken..];
        return taken;
    }
}
