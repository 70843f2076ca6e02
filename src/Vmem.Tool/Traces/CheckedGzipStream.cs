using System.IO.Compression;
using System.Text;

namespace Vmem.Tool.Traces;

/// <summary>
/// Gzip that notices when its data is cut off. .NET's <see cref="GZipStream"/> does not: where its input ends early it says "end of
/// stream", and half a recording would be replayed as if it were the whole. It does read several gzip members in a row as one; so a member
/// of our own is put behind the data. If what comes before is complete, its text comes out as the last; if not, its bytes are taken for
/// the missing ones, and something else does, or an error. The text is a comment in every format.
/// <para>Rejected: comparing the length in the last four bytes with what came out, which is wrong for several members.</para>
/// </summary>
internal sealed class CheckedGzipStream : ForwardStream
{
    private static readonly byte[] s_endText = Encoding.ASCII.GetBytes("\n# end of the compressed data\n");
    private static readonly byte[] s_endMember = Compress(s_endText);

    private readonly GZipStream _gzip;
    private readonly byte[] _last = new byte[s_endText.Length];

    public CheckedGzipStream(Stream compressed)
    {
        _gzip = new GZipStream(new ConcatenatedStream(compressed, s_endMember), CompressionMode.Decompress);
    }

    /// <exception cref="InvalidDataException">The data is damaged or cut off.</exception>
    public override int Read(Span<byte> buffer)
    {
        int read = _gzip.Read(buffer);
        if (read > 0)
        {
            Remember(buffer[..read]);
        }
        else if (!buffer.IsEmpty && !_last.AsSpan().SequenceEqual(s_endText))
        {
            throw new InvalidDataException("The compressed data is cut off.");
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

    private void Remember(ReadOnlySpan<byte> text)
    {
        int kept = Math.Max(0, _last.Length - text.Length);
        _last.AsSpan(_last.Length - kept).CopyTo(_last);
        text[^(_last.Length - kept)..].CopyTo(_last.AsSpan(kept));
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
}
