using System.Runtime.InteropServices;

namespace Vmem.Tool.Traces;

/// <summary>What one line of a recording says about memory.</summary>
internal enum TraceEventKind
{
    /// <summary>Nothing: a comment, a blank, a stack frame, a marker.</summary>
    None,

    Allocate,
    Free,

    /// <summary>An object has another size now, in the same place: a free and an allocation.</summary>
    Resize,
}

/// <summary>One event, its object named as the recording names it: by address, or by ID.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Id">The object's name.</param>
/// <param name="Size">In bytes, as the program asked for it; 0 for a free.</param>
/// <param name="Site">The stack that allocated, an index into <see cref="TraceReader.Stacks"/>; 0 when unknown, and for a free.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TraceEvent(TraceEventKind Kind, ulong Id, ulong Size, int Site = 0);
