using System.Text;

namespace Vmem.Tool.Traces;

/// <summary>
/// What one format's lines mean. A line that means nothing to us is a <see cref="TraceEventKind.None"/>; a wrong one says why it is wrong.
/// </summary>
internal abstract class LineParser
{
    // Enough to recognise the line in an editor; arbitrary.
    private const int QuotedBytes = 60;

    private TraceEvent _second;

    public abstract TraceFormat Format { get; }

    /// <summary>
    /// Whether the recording names every object from its birth to its death. Only our own format does: a heaptrack or mtrace recording may
    /// begin in the middle of a program's life, and misses what is freed behind the recorder's back.
    /// </summary>
    public abstract bool IsComplete { get; }

    /// <summary>Whether who writes the format ends every line, so that a last line without an end is a part of one. What is written by
    /// hand need not.</summary>
    public virtual bool EndsEveryLine => true;

    /// <summary>The last time stamp, counted from the start of the recording; null before the first, and where the format has
    /// none.</summary>
    public TimeSpan? Elapsed { get; protected set; }

    /// <summary>The stacks told so far; empty where the format has none.</summary>
    public virtual StackTable Stacks => StackTable.Empty;

    /// <summary>How many events the recording says are missing from it.</summary>
    public virtual ulong Missing => 0;

    /// <summary>What the recorded allocator rounded sizes up to; null where the recording does not say.</summary>
    public virtual ulong? Quantum => null;

    /// <summary>
    /// How many frees named one of several objects that are equal to the recording, so that which of them is a guess. 0 in formats that
    /// name each object.
    /// </summary>
    public long GuessedFrees { get; protected set; }

    /// <summary>An object of the line last parsed, as that line calls it.</summary>
    public virtual UInt128 NameOf(ulong id) => id;

    /// <summary>What to do about a recording without an allocation; null where there is nothing to say.</summary>
    public virtual string? Advice => null;

    /// <summary>The second event of the line last parsed, if it had two.</summary>
    public bool TryTakeSecond(out TraceEvent traceEvent)
    {
        traceEvent = _second;
        _second = default;
        return traceEvent.Kind != TraceEventKind.None;
    }

    /// <summary>Null when the line is well formed, else what is wrong with it.</summary>
    public abstract string? Parse(ReadOnlySpan<byte> line, out TraceEvent traceEvent);

    /// <summary>A line's beginning as it can be shown on a terminal: what is not printable ASCII becomes a dot.</summary>
    public static string Quote(ReadOnlySpan<byte> line)
    {
        var text = new StringBuilder("\"");
        foreach (byte value in line[..Math.Min(line.Length, QuotedBytes)])
        {
            text.Append(value is >= 0x20 and < 0x7f ? (char)value : '.');
        }

        return text.Append(line.Length > QuotedBytes ? "…\"" : "\"").ToString();
    }

    /// <summary>What a realloc that succeeded is: a free, if there was an object, and an allocation.</summary>
    protected TraceEvent Reallocate(ulong old, ulong id, ulong size)
    {
        var allocation = new TraceEvent(TraceEventKind.Allocate, id, size);
        if (old == 0)
        {
            return allocation;
        }

        _second = allocation;
        return new TraceEvent(TraceEventKind.Free, old, 0);
    }

    protected static bool IsBlankOrComment(ReadOnlySpan<byte> line)
    {
        foreach (byte value in line)
        {
            if (!LineScanner.IsBlank(value))
            {
                return value == '#';
            }
        }

        return true;
    }
}
