using System.Diagnostics;
using Vmem.Memory;

namespace Vmem.AspNetCore;

/// <summary>How the pool under a web server behaves.</summary>
[DebuggerDisplay("limit {Limit}, kept for {TrimInterval}")]
public sealed class VmemPoolOptions
{
    /// <summary>The most bytes that the pool may take, rounded down to whole slabs of 1 MiB; at least one of them. A connection that needs
    /// more is aborted. 0, the default: no limit.</summary>
    public long Limit { get; set; }

    /// <summary>The longest that memory is kept that no connection needs. 15 seconds by default.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: until memory is short.</summary>
    public TimeSpan TrimInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Uses the owner of a block again, so that a rental makes no garbage: 64 bytes less each. Off unless set; without effect with
    /// <see cref="TrackLeaks"/> and with <see cref="Audit"/>.</summary>
    /// <remarks><b>The risk of setting it</b>: code that disposes of a block a second time ends the rental of whoever has the block by
    /// then, maybe of another connection, whose bytes are then overwritten. Kestrel's stock pool has the same risk. Unless it is set, a
    /// second disposal does nothing, and <see cref="PinnedMemoryPoolStatistics.StrayDisposals"/> counts it. No gain in speed was
    /// measured.</remarks>
    public bool RecycleOwners { get; set; }

    /// <summary>Logs each block that was dropped without having been returned, with the stack that rented it. Each rental then takes
    /// microseconds. Off unless set.</summary>
    public bool TrackLeaks { get; set; }

    /// <summary>Keeps who rented what is out, for <see cref="PinnedMemoryPool{T}.GetAuditReport"/>. Each rental then takes microseconds.
    /// Off unless set.</summary>
    public bool Audit { get; set; }

    /// <summary>The clock for what is kept, and for the times of rentals.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
