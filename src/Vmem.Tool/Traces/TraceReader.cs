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

    /// <summary>Whether the input is a recording, as far as its first lines tell.</summary>
    public bool IsRecognised => _parser is not null;

    /// <summary>The last whole line, if the recording breaks off behind it; null if it does not, as far as can be told. Known at the
    /// end.</summary>
    public long? CutOffAfter { get; private set; }

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
            bool isFirst = _parser is null;
            _parser ??= Detect(line);
            if (_parser is null)
            {
                continue;
            }

            if (!isFirst && !_lines.HasEnd && _parser.EndsEveryLine)
            {
                // A part of a line may well be another one: an address without its last digit.
                CutOffAfter = _lines.LineNumber - 1;
                break;
            }

            string? fault = _parser.Parse(line, out traceEvent);
            if (fault is not null && !isFirst && !_lines.HasEnd)
            {
                CutOffAfter = _lines.LineNumber - 1;
                break;
            }

            if (fault is not null)
            {
                throw Fault(fault);
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

    private bool TryReadLine(out ReadOnlySpan<byte> line)
    {
        line = default;
        if (CutOffAfter is not null)
        {
            return false;
        }

        try
        {
            bool read = _lines.TryReadLine(out line);
            if (_lines.LineNumber == 1)
            {
                line = WithoutByteOrderMark(line);
            }

            return read;
        }
        catch (EndOfStreamException)
        {
            // What was read of the last line is not a line.
            CutOffAfter = _lines.LineNumber;
            return false;
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
            throw new MalformedTraceException(_input.Name, $"the compressed data is damaged after line {_lines.LineNumber}");
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
