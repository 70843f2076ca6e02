namespace Vmem.Tool.Traces;

/// <summary>A recording that cannot be replayed: which file, which line, and why.</summary>
internal sealed class MalformedTraceException : Exception
{
    public MalformedTraceException(string file, long line, string reason)
        : base($"{file}, line {line}: {reason}")
    {
        Line = line;
    }

    public MalformedTraceException(string file, string reason)
        : base($"{file}: {reason}")
    {
    }

    /// <summary>Counted from 1; 0 when the whole file is at fault.</summary>
    public long Line { get; }
}
