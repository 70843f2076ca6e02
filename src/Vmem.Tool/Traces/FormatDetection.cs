namespace Vmem.Tool.Traces;

/// <summary>
/// Tells the format from the first line that is neither blank nor a comment; a file's name says nothing (recordings are piped, renamed,
/// compressed). The three formats cannot be confused: mtrace writes its numbers with <c>0x</c>, heaptrack without, and our own begins with
/// a letter.
/// </summary>
internal static class FormatDetection
{
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
            (byte)'@' or (byte)'=' or (byte)'<' or (byte)'>' or (byte)'!' => new MtraceLines(),
            (byte)'+' or (byte)'-' when line.IndexOf("0x"u8) >= 0 => new MtraceLines(),
            (byte)'+' or (byte)'-' => new HeaptrackLines(),
            (byte)'v' when line.StartsWith("vmem "u8) => new VmemLines(),
            (byte)'v' when IsHeaptrackVersion(line) => new HeaptrackLines(),
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
