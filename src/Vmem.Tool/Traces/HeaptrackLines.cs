namespace Vmem.Tool.Traces;

/// <summary>
/// <c>heaptrack --raw</c>: <c>+ SIZE TRACE ADDRESS</c> and <c>- ADDRESS</c>, all hexadecimal; every other line begins with another letter
/// (v version, x executable, X command, I system, m modules, t stack frame, c time stamp, R resident set, s string …) and is skipped.
/// A realloc is written as a free and an allocation.
/// </summary>
internal sealed class HeaptrackLines : LineParser
{
    public override TraceFormat Format => TraceFormat.Heaptrack;

    public override bool IsComplete => false;

    public override string? Parse(ReadOnlySpan<byte> line, out TraceEvent traceEvent)
    {
        traceEvent = default;
        if (line.IsEmpty)
        {
            return null;
        }

        switch (line[0])
        {
            case (byte)'+':
                return ParseAllocation(line, out traceEvent);
            case (byte)'-':
                var scanner = new LineScanner(line, 1);
                if (scanner.TryReadHex(out ulong address) && scanner.AtEnd)
                {
                    traceEvent = new TraceEvent(TraceEventKind.Free, address, 0);
                    return null;
                }

                return $"expected \"- ADDRESS\" in hexadecimal, found {Quote(line)}";
            default:
                bool skipped = char.IsAsciiLetter((char)line[0]) || IsBlankOrComment(line);
                return skipped ? null : $"no line of a heaptrack recording begins like {Quote(line)}";
        }
    }

    private static string? ParseAllocation(ReadOnlySpan<byte> line, out TraceEvent traceEvent)
    {
        traceEvent = default;
        var scanner = new LineScanner(line, 1);
        if (!scanner.TryReadHex(out ulong size))
        {
            return $"expected \"+ SIZE TRACE ADDRESS\" in hexadecimal, found {Quote(line)}";
        }

        if (scanner.AtEnd)
        {
            return $"{Quote(line)} has no address: this recording was already interpreted by heaptrack; record with \"heaptrack --raw\"";
        }

        if (!scanner.TryReadHex(out _) || !scanner.TryReadHex(out ulong address) || !scanner.AtEnd)
        {
            return $"expected \"+ SIZE TRACE ADDRESS\" in hexadecimal, found {Quote(line)}";
        }

        traceEvent = new TraceEvent(TraceEventKind.Allocate, address, size);
        return null;
    }
}
