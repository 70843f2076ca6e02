namespace Vmem.Tool.Traces;

/// <summary>
/// What <c>ltrace</c> writes: <c>malloc(24) = 0x55d2a0</c>, <c>free(0x55d2a0) = &lt;void&gt;</c>, with the number of the thread, a time and
/// the library in front if it was told to, and with a duration behind. Other calls, signals and what the program wrote itself are skipped.
/// A script for bpftrace, gdb or a debug build of one's own can write the same; the result of a free may be left out.
/// <para>Where several threads run a call is written in two lines, <c>malloc(24 &lt;unfinished ...&gt;</c> and <c>&lt;... malloc
/// resumed&gt; ) = 0x55d2a0</c>, others' lines between. An object is freed when the call begins, for its address can come out of another
/// thread's malloc before the call is over, and is there when the call has ended.</para>
/// <para>With <c>-e malloc@*</c> an operator new is seen, and the malloc in it, too: of a call within a call of the same kind one
/// counts.</para>
/// <para>Not seen: what posix_memalign hands out, for its address is not in the line; the free of it is then one of an unknown object.
/// Threads and forked processes look alike, and are taken for threads.</para>
/// </summary>
internal sealed class LtraceLines : LineParser
{
    private const string Example = "\"malloc(24) = 0x55d2a0\"";

    private readonly LtraceCalls _calls = new();

    private static ReadOnlySpan<byte> Unfinished => "<unfinished ...>"u8;

    private static ReadOnlySpan<byte> Resuming => "<... "u8;

    private static ReadOnlySpan<byte> Resumed => " resumed>"u8;

    public override TraceFormat Format => TraceFormat.Ltrace;

    public override bool IsComplete => false;

    public override string? Advice => "ltrace writes them with: ltrace -f -e malloc+calloc+realloc+memalign+free -o FILE PROGRAM";

    /// <summary>Whether the line is a call with its result, or half of one.</summary>
    public static bool IsLtrace(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> text = LtracePrefix.Take(line, out _);
        if (text.StartsWith(Resuming))
        {
            return text[Resuming.Length..].IndexOf(Resumed) > 0;
        }

        bool isName = text.Length > 0 && (char.IsAsciiLetter((char)text[0]) || text[0] == '_');
        return isName && TryTakeName(text, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> rest)
            && (rest.IndexOf(Unfinished) >= 0 || HasResult(rest) || CallText.KindOf(name) == CallKind.Free);
    }

    public override string? Parse(ReadOnlySpan<byte> line, out TraceEvent traceEvent)
    {
        traceEvent = default;
        ReadOnlySpan<byte> text = LtracePrefix.Take(line, out ulong thread);
        if (text.StartsWith("<... "u8))
        {
            return ParseResumed(line, text["<... "u8.Length..], thread, out traceEvent);
        }

        if (!TryTakeName(text, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> rest))
        {
            return null;
        }

        CallKind kind = CallText.KindOf(name);
        if (kind == CallKind.None)
        {
            return null;
        }

        int unfinished = rest.IndexOf(Unfinished);
        int end = unfinished >= 0 ? unfinished : rest.IndexOf((byte)')');
        if (end < 0 || !CallText.TryReadArguments(kind, rest[..end], out ulong address, out ulong size))
        {
            return $"expected a call such as {Example}, found {Quote(line)}";
        }

        if (unfinished >= 0)
        {
            ulong freed = _calls.Begin(thread, kind, address, size);
            traceEvent = freed == 0 ? default : new TraceEvent(TraceEventKind.Free, freed, 0);
            return null;
        }

        ulong allocated = 0;
        if (kind != CallKind.Free && !TryReadResult(rest[(end + 1)..], out allocated))
        {
            return $"expected the result of the call, as in {Example}, found {Quote(line)}";
        }

        traceEvent = CreateEvent(thread, kind, address, allocated, size);
        return null;
    }

    private TraceEvent CreateEvent(ulong thread, CallKind kind, ulong address, ulong allocated, ulong size)
    {
        if (kind == CallKind.Free)
        {
            return address == 0 || _calls.IsFreeing(thread) ? default : new TraceEvent(TraceEventKind.Free, address, 0);
        }

        if (allocated == 0)
        {
            // realloc to nothing frees.
            bool frees = address != 0 && size == 0;
            return frees ? new TraceEvent(TraceEventKind.Free, address, 0) : default;
        }

        _calls.HasAllocated(thread);
        return Reallocate(address, allocated, size);
    }

    private string? ParseResumed(ReadOnlySpan<byte> line, ReadOnlySpan<byte> text, ulong thread, out TraceEvent traceEvent)
    {
        traceEvent = default;
        int end = text.IndexOf(Resumed);
        if (end < 0)
        {
            return null;
        }

        ReadOnlySpan<byte> name = text[..end];
        int parameters = name.IndexOf((byte)'(');
        if (CallText.KindOf(parameters < 0 ? name : name[..parameters]) == CallKind.None || !_calls.TryEnd(thread, out ulong size))
        {
            return null;
        }

        ReadOnlySpan<byte> rest = text[(end + Resumed.Length)..];
        int close = rest.IndexOf((byte)')');
        if (!TryReadResult(rest[(close + 1)..], out ulong allocated))
        {
            return $"expected the result of the call, as in \"<... malloc resumed> ) = 0x55d2a0\", found {Quote(line)}";
        }

        if (allocated != 0)
        {
            _calls.HasAllocated(thread);
            traceEvent = new TraceEvent(TraceEventKind.Allocate, allocated, size);
        }

        return null;
    }

    // "libstdc++.so.6->malloc(", "operator new(unsigned long)(".
    private static bool TryTakeName(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> rest)
    {
        rest = default;
        int open = text.IndexOf((byte)'(');
        name = open < 0 ? default : text[..open];
        if (open < 0)
        {
            return false;
        }

        int arrow = name.LastIndexOf("->"u8);
        name = arrow < 0 ? name : name[(arrow + 2)..];
        rest = text[(open + 1)..];
        if (name.StartsWith("operator "u8) && rest.IndexOf(")("u8) is >= 0 and int parameters)
        {
            rest = rest[(parameters + 2)..];
        }

        return true;
    }

    private static bool HasResult(ReadOnlySpan<byte> rest)
    {
        int close = rest.LastIndexOf((byte)')');
        return close >= 0 && rest[(close + 1)..].TrimStart((byte)' ') is [(byte)'=', ..];
    }

    private static bool TryReadResult(ReadOnlySpan<byte> rest, out ulong result)
    {
        result = 0;
        rest = rest.TrimStart((byte)' ');
        if (rest is not [(byte)'=', ..])
        {
            return false;
        }

        // A duration may follow.
        rest = rest[1..].TrimStart((byte)' ');
        int blank = rest.IndexOf((byte)' ');
        return CallText.TryReadNumber(blank < 0 ? rest : rest[..blank], out result);
    }
}
