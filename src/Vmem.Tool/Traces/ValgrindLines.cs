namespace Vmem.Tool.Traces;

/// <summary>
/// The log of <c>valgrind --trace-malloc=yes</c>: <c>--PID-- malloc(24) = 0x4A41040</c>, among lines <c>==PID== …</c> and perhaps what the
/// program wrote itself. With <c>--time-stamp=yes</c> the time stands before the process number.
/// <para>A call that calls another is written on one line, as <c>realloc(0x0,50)malloc(50) = 0x4A41040</c>: the inner one counts.
/// <c>realloc(0x4A410C0,0)free(0x4A410C0)</c> is followed by a line with nothing but <c> = 0</c>.</para>
/// <para>With <c>--trace-children=yes</c> and after a fork several processes write into one log, and their addresses mean different
/// things: each has a part of the numbers for itself.</para>
/// </summary>
internal sealed class ValgrindLines : LineParser
{
    // Above the addresses of user programs on 64-bit systems, 47 bits.
    private const int AddressBits = 48;
    private const int MaxProcesses = 1 << (64 - AddressBits);

    private readonly Dictionary<ulong, ulong> _processes = new(SeededHash.Instance);

    public override TraceFormat Format => TraceFormat.Valgrind;

    public override bool IsComplete => false;

    public override string? Advice => "a log of valgrind has its allocations with: valgrind --trace-malloc=yes --log-file=FILE PROGRAM (of the tools memcheck, massif or dhat)";

    /// <summary>Whether the line begins as valgrind's do: <c>==123==</c>, <c>--123--</c>.</summary>
    public static bool IsValgrind(ReadOnlySpan<byte> line) =>
        TryTakeProcess(line, (byte)'-', out _, out _) || TryTakeProcess(line, (byte)'=', out _, out _);

    public override string? Parse(ReadOnlySpan<byte> line, out TraceEvent traceEvent)
    {
        traceEvent = default;
        if (!TryTakeProcess(line, (byte)'-', out ulong process, out ReadOnlySpan<byte> text))
        {
            return null;
        }

        int open = text.LastIndexOf((byte)'(');
        int close = text.LastIndexOf((byte)')');
        if (open < 0 || close < open)
        {
            return null;
        }

        ReadOnlySpan<byte> name = text[(text[..open].LastIndexOf((byte)')') + 1)..open];
        CallKind kind = CallText.KindOf(name);
        if (kind == CallKind.None)
        {
            return null;
        }

        if (!CallText.TryReadArguments(kind, text[(open + 1)..close], out ulong address, out ulong size))
        {
            return $"expected a call such as \"malloc(24) = 0x4A41040\", found {Quote(line)}";
        }

        ReadOnlySpan<byte> result = text[(close + 1)..].TrimStart((byte)' ');
        ulong allocated = 0;
        if (kind != CallKind.Free && !(result is [(byte)'=', ..] && CallText.TryReadNumber(result[1..], out allocated)))
        {
            return $"expected the result of the call, as in \"malloc(24) = 0x4A41040\", found {Quote(line)}";
        }

        traceEvent = CreateEvent(NumberOf(process), kind, address, allocated, size);
        return null;
    }

    private TraceEvent CreateEvent(ulong process, CallKind kind, ulong address, ulong allocated, ulong size)
    {
        if (kind == CallKind.Free)
        {
            return address == 0 ? default : new TraceEvent(TraceEventKind.Free, address ^ process, 0);
        }

        return allocated == 0 ? default : Reallocate(address == 0 ? 0 : address ^ process, allocated ^ process, size);
    }

    private ulong NumberOf(ulong process)
    {
        if (!_processes.TryGetValue(process, out ulong number) && _processes.Count < MaxProcesses)
        {
            number = (ulong)_processes.Count << AddressBits;
            _processes.Add(process, number);
        }

        return number;
    }

    // "--123-- text" and "--00:00:00:01.615 123-- text".
    private static bool TryTakeProcess(ReadOnlySpan<byte> line, byte sign, out ulong process, out ReadOnlySpan<byte> text)
    {
        process = 0;
        text = default;
        if (line.Length < 2 || line[0] != sign || line[1] != sign)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = line[2..];
        int end = rest.IndexOf([sign, sign]);
        if (end <= 0)
        {
            return false;
        }

        text = rest[(end + 2)..];
        int blank = rest[..end].IndexOf((byte)' ');
        return CallText.TryReadNumber(rest[(blank + 1)..end], out process);
    }
}
