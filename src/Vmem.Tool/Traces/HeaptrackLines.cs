namespace Vmem.Tool.Traces;

/// <summary>
/// <c>heaptrack --raw</c>: <c>+ SIZE SITE ADDRESS</c> and <c>- ADDRESS</c>, all hexadecimal; <c>c</c> is a time stamp in milliseconds.
/// <see cref="HeaptrackStacks"/> reads what the stacks are made of; every other line begins with another letter (v version, X command,
/// I system, R resident set, S suppression …) and is skipped. A realloc is written as a free and an allocation.
/// </summary>
internal sealed class HeaptrackLines : LineParser
{
    // What a TimeSpan holds; no program runs that long.
    private const ulong MaxMilliseconds = long.MaxValue / TimeSpan.TicksPerMillisecond;

    private readonly HeaptrackStacks _stacks = new();
    private bool _isInterpreted;

    public override TraceFormat Format => TraceFormat.Heaptrack;

    public override bool IsComplete => false;

    public override StackTable Stacks => _stacks.Table;

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
                ParseOther(line);
                bool known = char.IsAsciiLetter((char)line[0]) || IsBlankOrComment(line);
                return known ? null : $"no line of a heaptrack recording begins like {Quote(line)}";
        }
    }

    private string? ParseAllocation(ReadOnlySpan<byte> line, out TraceEvent traceEvent)
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

        if (!scanner.TryReadHex(out ulong site) || !scanner.TryReadHex(out ulong address) || !scanner.AtEnd)
        {
            return $"expected \"+ SIZE TRACE ADDRESS\" in hexadecimal, found {Quote(line)}";
        }

        traceEvent = new TraceEvent(TraceEventKind.Allocate, address, size, Stacks.Known(site));
        return null;
    }

    private void ParseOther(ReadOnlySpan<byte> line)
    {
        switch (line[0])
        {
            case (byte)'v':
                var scanner = new LineScanner(line, 1);
                _stacks.HasSizedStrings = scanner.TryReadHex(out _) && scanner.TryReadHex(out ulong version) && version >= 3;
                break;
            case (byte)'c':
                ParseTimeStamp(line);
                break;
            case (byte)'s':
                _isInterpreted = true;
                _stacks.ReadString(line);
                break;
            case (byte)'i':
                _isInterpreted = true;
                _stacks.ReadCodeAddress(line);
                break;
            case (byte)'t':
                _stacks.ReadSite(line, isRaw: !_isInterpreted);
                break;
            case (byte)'x':
                _stacks.ReadProgram(line);
                break;
            case (byte)'m':
                _stacks.ReadModule(line);
                break;
            default:
                break;
        }
    }

    private void ParseTimeStamp(ReadOnlySpan<byte> line)
    {
        var scanner = new LineScanner(line, 1);
        if (scanner.TryReadHex(out ulong milliseconds) && milliseconds <= MaxMilliseconds)
        {
            var stamp = TimeSpan.FromTicks((long)milliseconds * TimeSpan.TicksPerMillisecond);
            Elapsed = Elapsed > stamp ? Elapsed : stamp;
        }
    }
}
