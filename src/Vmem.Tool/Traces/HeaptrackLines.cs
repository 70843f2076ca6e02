namespace Vmem.Tool.Traces;

/// <summary>
/// What heaptrack writes, all numbers hexadecimal. Raw: <c>+ SIZE SITE ADDRESS</c> and <c>- ADDRESS</c>. Interpreted: <c>a SIZE SITE</c>,
/// <c>+ KIND</c> and <c>- KIND</c>, see <see cref="HeaptrackKinds"/>; recordings of before 2017 have addresses there, too. In both
/// <c>c</c> is a time stamp in milliseconds, and <see cref="HeaptrackStacks"/> reads what the stacks are made of. Every other line begins
/// with another letter (X command, I system, R resident set, S suppression, A attached …) and is skipped. A realloc is written as a free
/// and an allocation.
/// </summary>
internal sealed class HeaptrackLines : LineParser
{
    // What a TimeSpan holds; no program runs that long.
    private const ulong MaxMilliseconds = long.MaxValue / TimeSpan.TicksPerMillisecond;

    private readonly HeaptrackStacks _stacks = new();
    private bool _hasInterpretedStacks;

    // Not null once the recording has defined a kind.
    private HeaptrackKinds? _kinds;

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
                return _kinds is null ? ParseAllocation(line, out traceEvent) : ParseKind(line, out traceEvent);
            case (byte)'-':
                return _kinds is null ? ParseFree(line, out traceEvent) : ParseKind(line, out traceEvent);
            case (byte)'a':
                return DefineKind(line);
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
        if (!scanner.TryReadHex(out ulong size)
            || !scanner.TryReadHex(out ulong site)
            || !scanner.TryReadHex(out ulong address)
            || !scanner.AtEnd)
        {
            return $"expected \"+ SIZE TRACE ADDRESS\" in hexadecimal, or \"+ KIND\" after a line \"a SIZE TRACE\" that defines it, found {Quote(line)}";
        }

        traceEvent = new TraceEvent(TraceEventKind.Allocate, address, size, Stacks.Known(site));
        return null;
    }

    private static string? ParseFree(ReadOnlySpan<byte> line, out TraceEvent traceEvent)
    {
        var scanner = new LineScanner(line, 1);
        if (scanner.TryReadHex(out ulong address) && scanner.AtEnd)
        {
            traceEvent = new TraceEvent(TraceEventKind.Free, address, 0);
            return null;
        }

        traceEvent = default;
        return $"expected \"- ADDRESS\" in hexadecimal, found {Quote(line)}";
    }

    private string? DefineKind(ReadOnlySpan<byte> line)
    {
        var scanner = new LineScanner(line, 1);
        if (!scanner.TryReadHex(out ulong size) || !scanner.TryReadHex(out ulong site) || !scanner.AtEnd)
        {
            return $"expected \"a SIZE TRACE\" in hexadecimal, found {Quote(line)}";
        }

        _kinds ??= new HeaptrackKinds();
        return _kinds.Define(size, Stacks.Known(site));
    }

    private string? ParseKind(ReadOnlySpan<byte> line, out TraceEvent traceEvent)
    {
        traceEvent = default;
        var scanner = new LineScanner(line, 1);
        if (!scanner.TryReadHex(out ulong kind) || !scanner.AtEnd)
        {
            return $"expected \"{(char)line[0]} KIND\" in hexadecimal, for the recording is an interpreted one, found {Quote(line)}";
        }

        bool known = line[0] == '+' ? _kinds!.TryAllocate(kind, out traceEvent) : _kinds!.TryFree(kind, out traceEvent);
        GuessedFrees = _kinds.GuessedFrees;
        return known ? null : $"no line \"a SIZE TRACE\" before defines the kind of {Quote(line)}";
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
                _hasInterpretedStacks = true;
                _stacks.ReadString(line);
                break;
            case (byte)'i':
                _hasInterpretedStacks = true;
                _stacks.ReadCodeAddress(line);
                break;
            case (byte)'t':
                _stacks.ReadSite(line, isRaw: !_hasInterpretedStacks);
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
