using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>What a pool of pinned slabs holds and has done; exact while no other thread uses it.</summary>
[DebuggerDisplay("{InUse} of {Held} bytes rented, {Outstanding} of {Rents} outstanding")]
public readonly record struct PinnedMemoryPoolStatistics
{
    /// <summary>How often memory was rented.</summary>
    public long Rents { get; init; }

    /// <summary>Rentals that have not ended: the owner was not disposed of.</summary>
    public long Outstanding { get; init; }

    /// <summary>How often there was no room within the limit, or in the runtime's memory.</summary>
    public long Failures { get; init; }

    /// <summary>Owners that were lost, as far as known; 0 unless <see cref="PinnedMemoryPoolOptions.TrackLeaks"/> is set. They stay
    /// <see cref="Outstanding"/>.</summary>
    public long Leaks { get; init; }

    /// <summary>How often an owner was disposed of a second time. Any is a mistake, which did nothing.</summary>
    public long StrayDisposals { get; init; }

    /// <summary>Bytes of all slabs, with memory behind them or without.</summary>
    public nuint Held { get; init; }

    /// <summary>Bytes that are rented, as they were rounded up.</summary>
    public nuint InUse { get; init; }

    /// <summary>Bytes that are free and may still take memory: the next renter has them without a page fault.</summary>
    public nuint Dirty { get; init; }

    /// <summary>Bytes whose memory went back to the system, since the pool was made: discarded pages, and those of slabs that were
    /// dropped.</summary>
    public long Trimmed { get; init; }

    /// <summary>Bytes of all slabs that were ever made.</summary>
    public long Allocated { get; init; }

    /// <summary>Bytes of all rentals that there ever were, as they were rounded up.</summary>
    public long Rented { get; init; }
}
