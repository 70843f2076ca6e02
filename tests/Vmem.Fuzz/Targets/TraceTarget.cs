using Vmem.Tool.Traces;

namespace Vmem.Fuzz.Targets;

/// <summary>
/// The readers of recordings. The format is found by the reader itself, so that every input may be of any format; the targets differ in
/// their corpora and words, each of which leads afl-fuzz to one parser.
/// <para>
/// Each input is read in one piece and in small pieces, and some so that the end of the line reader's buffer falls into them. All must say
/// the same.
/// </para>
/// </summary>
internal sealed class TraceTarget(string name, params string[] words) : FuzzTarget
{
    // Three readings. The buffer of each grows with the longest line, from 256 KiB by doubling to 2 MiB: 3.75 MiB together, and rounded up.
    private const long FixedBytes = 12 << 20;

    // Nothing is kept of an event; but "s\n", a string without text, takes four bytes in a table that doubles, in each reading, and a new
    // tag's name, of eight bytes of input, takes a hundred.
    private const long BytesPerByte = 128;

    public override string Name => name;

    public override IReadOnlyList<string> Words => words;

    public override bool Check(byte[] input)
    {
        AllocationBound bound = AllocationBound.Begin(FixedBytes, BytesPerByte, input.Length);
        TraceReading whole = TraceReading.Of(new MemoryStream(input));
        CheckPieces(input, whole);
        CheckAcrossBuffers(input, whole);
        bound.Check("The trace reader");
        return whole.Fault is null && ReplayOracle.Check(input, whole.Digest);
    }

    private static void CheckPieces(byte[] input, TraceReading whole)
    {
        int longestPiece = 1 + (int)(whole.Digest % 7);
        TraceReading pieces = TraceReading.Of(new DribblingStream(input, longestPiece));
        bool bothRead = whole.Fault is null && pieces.Fault is null;
        bool bothRefused = whole.Fault is not null && pieces.Fault is not null;
        bool same = whole == pieces;
        if (IsZstd(input))
        {
            // A frame may lie about its length and be empty. zstd finds that out only if the whole frame is there at once.
            same |= !bothRead;
        }
        else if (IsGzip(input))
        {
            // How much comes out of damaged data before the damage shows depends on the pieces.
            same |= bothRefused;
        }

        FindingException.Unless(same, $"In one piece: {whole}; in pieces: {pieces}.");
    }

    private static void CheckAcrossBuffers(byte[] input, TraceReading whole)
    {
        // A buffer of padding is dear, so that a part of the inputs must do.
        if (IsGzip(input) || IsZstd(input) || HasByteOrderMark(input) || input.Length == 0 || whole.Digest % 4 != 0)
        {
            return;
        }

        // A comment before the recording, as long as it takes.
        int inFirstBuffer = 1 + (int)(whole.Digest / 4 % (ulong)input.Length);
        var padded = new byte[LineReader.InitialBuffer - inFirstBuffer + input.Length];
        Span<byte> comment = padded.AsSpan(0, LineReader.InitialBuffer - inFirstBuffer);
        comment.Fill((byte)'#');
        comment[^1] = (byte)'\n';
        input.CopyTo(padded, comment.Length);
        TraceReading across = TraceReading.Of(new MemoryStream(padded));
        bool same = across.Events == whole.Events && across.Digest == whole.Digest && (across.Fault is null) == (whole.Fault is null)
            && (whole.FaultLine == 0 || across.FaultLine == whole.FaultLine + 1);
        FindingException.Unless(same, $"Alone: {whole}; behind a comment: {across}.");
    }

    private static bool IsGzip(ReadOnlySpan<byte> input) => input is [0x1f, 0x8b, ..];

    private static bool IsZstd(ReadOnlySpan<byte> input) =>
        input is [0x28, 0xb5, 0x2f, 0xfd, ..] or [>= 0x50 and <= 0x5f, 0x2a, 0x4d, 0x18, ..];

    private static bool HasByteOrderMark(ReadOnlySpan<byte> input) => input is [0xef, 0xbb, 0xbf, ..];
}
