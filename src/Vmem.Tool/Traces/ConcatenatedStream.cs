namespace Vmem.Tool.Traces;

/// <summary>
/// One stream out of some bytes and a stream; it counts what passes. The bytes in front were read to see what the stream is, and standard
/// input cannot be rewound.
/// </summary>
internal sealed class ConcatenatedStream(ReadOnlyMemory<byte> front, Stream rest) : ForwardStream
{
    private ReadOnlyMemory<byte> _front = front;
    private long _bytesRead;

    /// <summary>Read by the progress display's thread.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    public override int Read(Span<byte> buffer)
    {
        int read = Math.Min(buffer.Length, _front.Length);
        _front.Span[..read].CopyTo(buffer);
        _front = _front[read..];
        if (read == 0)
        {
            read = rest.Read(buffer);
        }

        Interlocked.Add(ref _bytesRead, read);
        return read;
    }
}
