namespace Vmem.Tool.Traces;

/// <summary>
/// glibc's mtrace: <c>@ CALLER + ADDRESS SIZE</c>, <c>@ CALLER - ADDRESS</c>; a realloc is the pair <c>@ CALLER &lt; OLD</c>, <c>@ CALLER
/// &gt; NEW SIZE</c>, a realloc that failed <c>@ CALLER ! OLD SIZE</c> and changes nothing; <c>= Start</c> and <c>= End</c> frame a run.
/// Without a caller the line begins at the sign. The caller is a path and may hold blanks, so the line is read from its end: the sign
/// stands before the last one or two fields. An allocation that failed has <c>(nil)</c> for its address and is skipped.
/// </summary>
internal sealed class MtraceLines : LineParser
{
    public override TraceFormat Format => TraceFormat.Mtrace;

    public override bool IsComplete => false;

    public override string? Parse(ReadOnlySpan<byte> line, out TraceEvent traceEvent)
    {
        traceEvent = default;
        if (IsBlankOrComment(line) || line[0] == '=')
        {
            return null;
        }

        ReadOnlySpan<byte> rest = line;
        ReadOnlySpan<byte> last = TakeLastField(ref rest);
        ReadOnlySpan<byte> middle = TakeLastField(ref rest);
        if (middle is [(byte)'-' or (byte)'<'] && IsCaller(rest))
        {
            return ParseFree(line, last, out traceEvent);
        }

        ReadOnlySpan<byte> sign = TakeLastField(ref rest);
        if (sign is [(byte)'+' or (byte)'>' or (byte)'!'] && IsCaller(rest))
        {
            return ParseAllocation(line, sign[0], middle, last, out traceEvent);
        }

        return $"expected \"@ CALLER + ADDRESS SIZE\" or \"@ CALLER - ADDRESS\", found {Quote(line)}";
    }

    private static string? ParseFree(ReadOnlySpan<byte> line, ReadOnlySpan<byte> address, out TraceEvent traceEvent)
    {
        var scanner = new LineScanner(address);
        bool read = scanner.TryReadHex(out ulong id);
        traceEvent = read ? new TraceEvent(TraceEventKind.Free, id, 0) : default;
        return read || address.SequenceEqual("(nil)"u8) ? null : $"expected a hexadecimal address at the end of {Quote(line)}";
    }

    private static string? ParseAllocation(
        ReadOnlySpan<byte> line, byte sign, ReadOnlySpan<byte> address, ReadOnlySpan<byte> size, out TraceEvent traceEvent)
    {
        traceEvent = default;
        var sizeScanner = new LineScanner(size);
        var addressScanner = new LineScanner(address);
        if (!sizeScanner.TryReadHex(out ulong bytes))
        {
            return $"expected a hexadecimal size at the end of {Quote(line)}";
        }

        if (!addressScanner.TryReadHex(out ulong id))
        {
            return address.SequenceEqual("(nil)"u8) ? null : $"expected a hexadecimal address before the size in {Quote(line)}";
        }

        traceEvent = sign == '!' ? default : new TraceEvent(TraceEventKind.Allocate, id, bytes);
        return null;
    }

    private static bool IsCaller(ReadOnlySpan<byte> rest) => rest.IsEmpty || rest[0] == '@';

    private static ReadOnlySpan<byte> TakeLastField(ref ReadOnlySpan<byte> line)
    {
        int end = line.Length;
        while (end > 0 && LineScanner.IsBlank(line[end - 1]))
        {
            end--;
        }

        int start = end;
        while (start > 0 && !LineScanner.IsBlank(line[start - 1]))
        {
            start--;
        }

        ReadOnlySpan<byte> field = line[start..end];
        line = line[..start];
        return field;
    }
}
