using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>What a part of an arena is.</summary>
public enum LeaseExtentState
{
    /// <summary>Nobody holds it; it can be leased.</summary>
    Free,

    /// <summary>A session holds it.</summary>
    Leased,

    /// <summary>Nobody holds it, and it is not leased yet: a former holder may still use it.</summary>
    Quarantined,
}

/// <summary>A part of an arena.</summary>
/// <param name="Start">The first value.</param>
/// <param name="Size">How many there are.</param>
/// <param name="State">What it is.</param>
/// <param name="Session">Who holds it; empty if nobody does.</param>
/// <param name="Owner">The holder, for people; empty if there is none.</param>
/// <param name="Fence">The largest fence under which any of it was leased.</param>
/// <param name="Since">When it became what it is.</param>
/// <param name="Watermark">The last time that a holder of any of it may have used.</param>
[DebuggerDisplay("{Size} at {Start}, {State} by {Owner,nq}, fence {Fence}")]
public sealed record LeaseExtent(UInt128 Start, UInt128 Size, LeaseExtentState State, Guid Session, string Owner, long Fence,
    DateTimeOffset Since, long? Watermark);
