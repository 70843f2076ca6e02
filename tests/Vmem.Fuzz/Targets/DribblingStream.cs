using Vmem.Tool.Traces;

namespace Vmem.Fuzz.Targets;

/// <summary>
/// The same bytes in small pieces, as a pipe would hand them out: whatever lies across two pieces must be read as if it did not. Also the
/// step counter: a reader that goes on reading past the end does not terminate by itself.
/// </summary>
internal sealed class DribblingStream(byte[] contents, int longestPiece) : ForwardStream
{
    // A reader may ask again at the end, once for each layer above the stream; far more is a loop. Arbitrary.
    private const int MostReadsPastEnd = 100;

    private int _position;
    private int _readsPastEnd;
    private int _turn;

    public override int Read(Span<byte> buffer)
    {
        if (_position == contents.Length)
        {
            FindingException.Unless(++_readsPastEnd <= MostReadsPastEnd, "The reader does not stop at the end of its input.");
            return 0;
        }

        int piece = 1 + (_turn++ % longestPiece);
        int read = Math.Min(Math.Min(piece, buffer.Length), contents.Length - _position);
        contents.AsSpan(_position, read).CopyTo(buffer);
        _position += read;
        return read;
    }
}
