namespace Vmem.Tool.Traces;

/// <summary>
/// One stream out of some bytes, a stream, and some bytes more; it counts what passes. The bytes in front were read to see what the stream
/// is, and standard input cannot be rewound; those behind are <see cref="CheckedGzipStream"/>'s.
/// </summary>
internal sealed class ConcatenatedStream : ForwardStream
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

    private static int Take(ref ReadOnlyMemory<byte> bytes, Span<byte> buffer)
    {
        int taken = Math.Min(buffer.Length, bytes.Length);
        bytes.Span[..taken].CopyTo(buffer);
        bytes = bytes[taken..];
        return taken;
    }
}
