using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>What happened.</summary>
public enum LeaseEvent
{
    /// <summary>A session began.</summary>
    Open,

    /// <summary>A session ended by its own wish.</summary>
    Close,

    /// <summary>A session fell silent and expired.</summary>
    Lapse,

    /// <summary>A lapsed session was renewed.</summary>
    Revive,

    /// <summary>A lapsed session is dead, for ever.</summary>
    Die,

    /// <summary>A part of an arena was leased.</summary>
    Grant,

    /// <summary>A lease was given back.</summary>
    Release,

    /// <summary>A lease of a dead session was taken from it.</summary>
    Reclaim,

    /// <summary>A part of an arena is free again.</summary>
    Free,

    /// <summary>A failover began a hold.</summary>
    Hold,

    /// <summary>A lease that a failover had lost is known again.</summary>
    Reassert,
}

/// <summary>An entry of the audit.</summary>
/// <param name="Number">Its number; later entries have larger ones.</param>
/// <param name="At">When, by the store's clock.</param>
/// <param name="Event">What.</param>
/// <param name="Arena">In which arena; 0: it concerns all.</param>
/// <param name="Start">The first value.</param>
/// <param name="Size">How many there are; 0 for sessions and the store.</param>
/// <param name="Session">Whose; empty if nobody's.</param>
/// <param name="Fence">Under which fence; 0: none.</param>
/// <param name="Detail">More, for people.</param>
[DebuggerDisplay("{Number}: {Event}, {Size} at {Start} of arena {Arena}")]
public sealed record LeaseAuditEntry(long Number, DateTimeOffset At, LeaseEvent Event, int Arena, UInt128 Start, UInt128 Size,
    Guid Session, long Fence, string Detail)
{
    /// <summary>The owner of the session, for people, where <see cref="LeaseStore.ReadHistoryAsync"/> gives the entry and the session is
    /// known; else empty.</summary>
    public string Owner { get; init; } = "";

    internal bool Covers(UInt128 value) => value >= Start && value - Start < Size;
}
