using System.Globalization;

namespace Vmem.Tool.Traces;

/// <summary>
/// The tool's own text, made to be written by a three-line script: <c>a ID SIZE</c> and <c>f ID</c> in decimal, blank lines, and comments
/// from <c>#</c>. An ID may be used again once it was freed. What <c>Arena.Record</c> writes begins with <c>vmem 2</c> and has more kinds
/// of lines (<see cref="ArenaLines"/>), tags behind the sizes, and <c>r ID SIZE</c> where an object changes its size in place.
/// </summary>
internal sealed class VmemLines : LineParser
{
    private readonly ArenaLines _others = new();
    private readonly WideIds _wideIds = new();

    public override TraceFormat Format => TraceFormat.Vmem;

    public override bool IsComplete => _others.Missing == 0;

    public override bool EndsEveryLine => _others.HasHead;

    public override ulong Missing => _others.Missing;

    public override ulong? Quantum => _others.Quantum;

    public override StackTable Stacks => _others.Tags.Stacks;

    public override UInt128 NameOf(ulong id) => _wideIds.NameOf(id);

    public override string? Parse(ReadOnlySpan<byte> line, out TraceEvent traceEvent)
    {
        traceEvent = default;
        if (IsBlankOrComment(line))
        {
            return null;
        }

        bool spaced = line.Length > 1 && LineScanner.IsBlank(line[1]);
        string? fault = (spaced ? line[0] : 0) switch
        {
            (byte)'a' => ParseSized(line, TraceEventKind.Allocate, out traceEvent),
            (byte)'f' => ParseFree(line, out traceEvent),
            (byte)'r' => ParseSized(line, TraceEventKind.Resize, out traceEvent),
            _ => _others.Parse(line),
        };
        Elapsed = _others.Elapsed;
        return fault is null ? null : $"{fault}, found {Quote(line)}";
    }

    private string? ParseSized(ReadOnlySpan<byte> line, TraceEventKind kind, out TraceEvent traceEvent)
    {
        traceEvent = default;
        var scanner = new LineScanner(line, 1);
        if (!TryReadId(ref scanner, kind, out ulong id) || !scanner.TryReadDecimal(out ulong size))
        {
            return kind == TraceEventKind.Allocate
                ? "expected \"a ID SIZE\" or \"a ID SIZE TAG\" in decimal (the ID below 2^128, the others below 2^64; "
                    + "record an arena of larger ranges with a larger quantum)"
                : "expected \"r ID SIZE\" in decimal (the ID below 2^128, the size below 2^64)";
        }

        int site = 0;
        if (kind == TraceEventKind.Allocate && !scanner.AtEnd)
        {
            if (!scanner.TryReadDecimal(out ulong tag))
            {
                return "expected a tag in decimal (below 2^64) behind the size";
            }

            site = _others.Tags.SiteOf(tag);
        }

        traceEvent = new TraceEvent(kind, id, size, site);
        return scanner.AtEnd ? null : "expected nothing more on the line";
    }

    private string? ParseFree(ReadOnlySpan<byte> line, out TraceEvent traceEvent)
    {
        var scanner = new LineScanner(line, 1);
        bool read = TryReadId(ref scanner, TraceEventKind.Free, out ulong id) && scanner.AtEnd;
        traceEvent = read ? new TraceEvent(TraceEventKind.Free, id, 0) : default;
        return read ? null : "expected \"f ID\" in decimal (below 2^128)";
    }

    private bool TryReadId(ref LineScanner scanner, TraceEventKind kind, out ulong id)
    {
        LineScanner again = scanner;
        if (scanner.TryReadDecimal(out id))
        {
            return true;
        }

        scanner = again;
        return UInt128.TryParse(scanner.TakeField(), NumberStyles.None, null, out UInt128 wide) && _wideIds.TryName(wide, kind, out id);
    }
}
