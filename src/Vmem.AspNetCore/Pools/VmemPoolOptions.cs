using System.Diagnostics;
using Vmem.Memory;

namespace Vmem.AspNetCore;

/// <summary>How the pool under a web server behaves.</summary>
[DebuggerDisplay("limit {Limit}, kept for {TrimInterval}")]
public sealed class VmemPoolOptions
{
    /// <summary>The most bytes that the pool may take. A connection that needs more is aborted. 0, the default: no limit.</summary>
    public long Limit { get; set; }

    /// <summary>The longest that memory is kept that no connection needs. 15 seconds by default.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: until memory is short.</summary>
    public TimeSpan TrimInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Logs each block that was dropped without having been returned, with the stack that rented it. Each rental then takes
    /// microseconds. Off unless set.</summary>
    public bool TrackLeaks { get; set; }

    /// <summary>Keeps who rented what is out, for <see cref="PinnedMemoryPool{T}.GetAuditReport"/>. Each rental then takes microseconds.
    /// Off unless set.</summary>
    public bool Audit { get; set; }

    /// <summary>The clock for what is kept, and for the times of rentals.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
