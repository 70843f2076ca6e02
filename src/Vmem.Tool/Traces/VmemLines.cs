namespace Vmem.Tool.Traces;

/// <summary>
/// The tool's own text, made to be written by a three-line script: <c>a ID SIZE</c> and <c>f ID</c> in decimal, blank lines, and comments
/// from <c>#</c>. An ID may be used again once it was freed.
/// </summary>
internal sealed class VmemLines : LineParser
{
    public override TraceFormat Format => TraceFormat.Vmem;

    public override bool IsComplete => true;

    public override string? Parse(ReadOnlySpan<byte> line, out TraceEvent traceEvent)
    {
        traceEvent = default;
        if (IsBlankOrComment(line))
        {
            return null;
        }

        var scanner = new LineScanner(line, 1);
        bool spaced = line.Length > 1 && LineScanner.IsBlank(line[1]);
        if (spaced && line[0] == 'a')
        {
            if (scanner.TryReadDecimal(out ulong id) && scanner.TryReadDecimal(out ulong size) && scanner.AtEnd)
            {
                traceEvent = new TraceEvent(TraceEventKind.Allocate, id, size);
                return null;
            }

            return $"expected \"a ID SIZE\" in decimal (both below 2^64), found {Quote(line)}";
        }

        if (spaced && line[0] == 'f')
        {
            if (scanner.TryReadDecimal(out ulong id) && scanner.AtEnd)
            {
                traceEvent = new TraceEvent(TraceEventKind.Free, id, 0);
                return null;
            }

            return $"expected \"f ID\" in decimal (below 2^64), found {Quote(line)}";
        }

        return $"expected \"a ID SIZE\", \"f ID\" or a comment, found {Quote(line)}";
    }
}
