namespace Vmem.Tool.Traces;

/// <summary>
/// Tells the format from the first line that says anything; a file's name says nothing (recordings are piped, renamed, compressed). The
/// formats cannot be confused: valgrind puts its process number in front, mtrace writes its numbers with <c>0x</c> and heaptrack without,
/// our own begins with a letter and a blank, and what ltrace writes are calls.
/// </summary>
internal static class FormatDetection
{
    /// <summary>Whether the line can stand before a recording of any format: blank, a comment, or bpftrace's greeting.</summary>
    public static bool SaysNothing(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> text = line.TrimStart(" \t"u8);
        return text.IsEmpty || text[0] == '#' || text.StartsWith("Attaching "u8) || text.StartsWith("Attached "u8);
    }

    /// <summary>Null when the line is of no format known.</summary>
    public static LineParser? Detect(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty)
        {
            return null;
        }

        return line[0] switch
        {
            (byte)'a' or (byte)'f' when line.Length > 1 && LineScanner.IsBlank(line[1]) => new VmemLines(),
            (byte)'=' or (byte)'-' when ValgrindLines.IsValgrind(line) => new ValgrindLines(),
            (byte)'@' or (byte)'=' or (byte)'<' or (byte)'>' or (byte)'!' when !LtraceLines.IsLtrace(line) => new MtraceLines(),
            (byte)'+' or (byte)'-' when line.IndexOf("0x"u8) >= 0 => new MtraceLines(),
            (byte)'+' or (byte)'-' => new HeaptrackLines(),
            (byte)'v' when line.StartsWith("vmem "u8) => new VmemLines(),
            (byte)'v' when IsHeaptrackVersion(line) => new HeaptrackLines(),
            _ when LtraceLines.IsLtrace(line) => new LtraceLines(),
            _ => null,
        };
    }

    // "v 10400 3": heaptrack's own version and the version of the file format; very old recordings have the first alone.
    private static bool IsHeaptrackVersion(ReadOnlySpan<byte> line)
    {
        var scanner = new LineScanner(line, 1);
        return scanner.TryReadHex(out _) && (scanner.AtEnd || (scanner.TryReadHex(out _) && scanner.AtEnd));
    }
}
