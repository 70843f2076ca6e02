using System.IO.Compression;
using System.Text;

namespace Vmem.Tool.Traces;

/// <summary>
/// Gzip that notices when its data is cut off. .NET's <see cref="GZipStream"/> does not: where its input ends early it says "end of
/// stream", and half a recording would be replayed as if it were the whole. It does read several gzip members in a row as one; so when it
/// says that it is at the end, it gets one member more, of our own. If the data was complete, that member's text comes out and nothing
/// else. If not, its bytes are taken for the missing ones, and something else comes out, or an error. None of it is handed on.
/// <para>Rejected: comparing the length in the last four bytes with what came out, which is wrong for several members.</para>
/// </summary>
internal sealed class CheckedGzipStream : ForwardStream
{
    private static readonly byte[] s_endText = Encoding.ASCII.GetBytes("the end of the compressed data");
    private static readonly byte[] s_endMember = Compress(s_endText);

    private readonly ExtendedStream _compressed;
    private readonly GZipStream _gzip;

    public CheckedGzipStream(Stream compressed)
    {
        _compressed = new ExtendedStream(compressed);
        _gzip = new GZipStream(_compressed, CompressionMode.Decompress);
    }

    /// <exception cref="InvalidDataException">The data is damaged.</exception>
    /// <exception cref="EndOfStreamException">The data is cut off: all of it that can be read was handed out.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty || _compressed.IsExtended)
        {
            return 0;
        }

        int read = _gzip.Read(buffer);
        if (read == 0)
        {
            _compressed.IsExtended = true;
            CheckEnd();
        }

        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _gzip.Dispose();
        }

        base.Dispose(disposing);
    }

    private void CheckEnd()
    {
        // One byte more than there must be.
        var text = new byte[s_endText.Length + 1];
        int read;
        try
        {
            read = _gzip.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException)
        {
            read = 0;
        }

        if (!text.AsSpan(0, read).SequenceEqual(s_endText))
        {
            throw new EndOfStreamException("The compressed data is cut off.");
        }
    }

    private static byte[] Compress(byte[] text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(text);
        }

        return packed.ToArray();
    }

    /// <summary>The data, and once it is asked for the member behind it.</summary>
    private sealed class ExtendedStream(Stream data) : ForwardStream
    {
        private int _taken;

        public bool IsExtended { get; set; }

        public override int Read(Span<byte> buffer)
        {
            if (!IsExtended)
            {
                return data.Read(buffer);
            }

            int read = Math.Min(buffer.Length, s_endMember.Length - _taken);
            s_endMember.AsSpan(_taken, read).CopyTo(buffer);
            _taken += read;
            return read;
        }
    }
}
