namespace Vmem.Recording;

/// <summary>What a record in the ring says.</summary>
internal enum RecordKind
{
    /// <summary>Nothing: its place was reserved, and what it was reserved for did not happen.</summary>
    None,

    Allocate,
    Free,

    /// <summary>A range changed its size in place.</summary>
    Resize,

    AddSpan,
    RemoveSpan,
}
