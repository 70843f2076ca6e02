namespace Vmem.Tool.Traces;

/// <summary>What one line of a recording says about memory.</summary>
internal enum TraceEventKind
{
    /// <summary>Nothing: a comment, a blank, a stack frame, a marker.</summary>
    None,

    Allocate,
    Free,
}

/// <summary>One event, its object named as the recording names it: by address, or by ID.</summary>
internal readonly record struct TraceEvent(TraceEventKind Kind, ulong Id, ulong Size);
