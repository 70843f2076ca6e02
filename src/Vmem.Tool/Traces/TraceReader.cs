namespace Vmem.Tool.Traces;

/// <summary>
/// A recording as a stream of events. Nothing is kept but one buffer: a recording of many gigabytes passes through.
/// Whatever is wrong with it comes out as a <see cref="MalformedTraceException"/> that names the file and the line.
/// </summary>
internal sealed class TraceReader : IDisposable
{
    private readonly TraceInput _input;
    private readonly LineReader _lines;
    private LineParser? _parser;
    private TraceEvent _first;

    public TraceReader(TraceInput input)
    {
        _input = input;
        _lines = new LineReader(input.Text);
    }

    public long LineNumber => _lines.LineNumber;

    /// <summary>Known once the first event was read.</summary>
    public TraceFormat Format => Parser.Format;

    /// <summary>See <see cref="LineParser.IsComplete"/>.</summary>
    public bool IsComplete => Parser.IsComplete;

    /// <summary>See <see cref="LineParser.Missing"/>.</summary>
    public ulong Missing => Parser.Missing;

    /// <summary>See <see cref="LineParser.Quantum"/>; known once the first event was read.</summary>
    public ulong? Quantum => _parser?.Quantum;

    /// <summary>See <see cref="LineParser.Elapsed"/>.</summary>
    public TimeSpan? Elapsed => _parser?.Elapsed;

    /// <summary>See <see cref="LineParser.Stacks"/>. It grows while the recording is read; a site of an event read is in it.</summary>
    public StackTable Stacks => _parser?.Stacks ?? StackTable.Empty;

    private LineParser Parser => _parser ?? throw new InvalidOperationException("The format is known once a line was read.");

    /// <summary>Reads up to the first event, which stays the next one.</summary>
    /// <returns>See <see cref="LineParser.Quantum"/>.</returns>
    public ulong? ReadQuantum()
    {
        _ = TryRead(out _first);
        return Quantum;
    }

    /// <summary>See <see cref="LineParser.NameOf"/>.</summary>
    public UInt128 NameOf(ulong id) => Parser.NameOf(id);

    /// <summary>See <see cref="LineParser.GuessedFrees"/>.</summary>
    public long GuessedFrees => _parser?.GuessedFrees ?? 0;

    /// <summary>See <see cref="LineParser.Advice"/>.</summary>
    public string? Advice => _parser?.Advice;

    /// <summary>The next event; false at the end.</summary>
    public bool TryRead(out TraceEvent traceEvent)
    {
        if (_first.Kind != TraceEventKind.None)
        {
            traceEvent = _first;
            _first = default;
            return true;
        }

        if (_parser is not null && _parser.TryTakeSecond(out traceEvent))
        {
            return true;
        }

        while (TryReadLine(out ReadOnlySpan<byte> line))
        {
            _parser ??= Detect(line);
            if (_parser is null)
            {
                continue;
            }

            string? fault = _parser.Parse(line, out traceEvent);
            if (fault is not null)
            {
                MalformedTraceException exception = Fault(fault);
                RunOutIfCutOff();
                throw exception;
            }

            if (traceEvent.Kind != TraceEventKind.None)
            {
                return true;
            }
        }

        traceEvent = default;
        return false;
    }

    /// <summary>An error at the line last read.</summary>
    public MalformedTraceException Fault(string reason) => new(_input.Name, _lines.LineNumber, reason);

    public void Dispose() => _input.Dispose();

    // Where compressed data is cut off, its last line is often nonsense: the cut is what is wrong, and shows when the rest has been read.
    private void RunOutIfCutOff()
    {
        while (_input.IsCompressed && _input.IsExhausted && TryReadLine(out _))
        {
        }
    }

    private bool TryReadLine(out ReadOnlySpan<byte> line)
    {
        try
        {
            bool read = _lines.TryReadLine(out line);
            if (_lines.LineNumber == 1)
            {
                line = WithoutByteOrderMark(line);
            }

            return read;
        }
        catch (UnreadableCompressionException fault)
        {
            throw new MalformedTraceException(_input.Name, fault.Message);
        }
        catch (LineTooLongException fault)
        {
            throw new MalformedTraceException(_input.Name, _lines.LineNumber + 1, fault.Message);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new MalformedTraceException(_input.Name, $"cannot be read after line {_lines.LineNumber} ({fault.Message.TrimEnd('.')})");
        }
        catch (InvalidDataException)
        {
            throw new MalformedTraceException(_input.Name, $"the compressed data is damaged or cut off after line {_lines.LineNumber}");
        }
    }

    // Editors of Windows put one in front of UTF-8, and "> file" of its PowerShell 5 writes UTF-16.
    private ReadOnlySpan<byte> WithoutByteOrderMark(ReadOnlySpan<byte> line) => line switch
    {
        [0xef, 0xbb, 0xbf, ..] => line[3..],
        [0xff, 0xfe, ..] or [0xfe, 0xff, ..] => throw Fault("this is UTF-16 text; save it as UTF-8"),
        _ => line,
    };

    private LineParser? Detect(ReadOnlySpan<byte> line)
    {
        if (FormatDetection.SaysNothing(line))
        {
            return null;
        }

        return FormatDetection.Detect(line) ?? throw Fault(
            $"{LineParser.Quote(line)} begins no recording known here: expected heaptrack (\"v 10400 3\"), mtrace (\"= Start\", "
            + "\"@ CALLER + ADDRESS SIZE\"), valgrind --trace-malloc=yes (\"==123== …\", \"--123-- malloc(24) = 0x…\"), ltrace "
            + "(\"malloc(24) = 0x…\", \"free(0x…)\") or \"a ID SIZE\" / \"f ID\"");
    }
}
