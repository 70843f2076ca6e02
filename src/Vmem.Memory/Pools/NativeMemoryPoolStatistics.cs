using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>What a pool has done; exact while no other thread uses it.</summary>
[DebuggerDisplay("{Outstanding} of {Rents} outstanding, {Leaks} lost")]
public readonly record struct NativeMemoryPoolStatistics
{
    /// <summary>How often memory was rented.</summary>
    public long Rents { get; init; }

    /// <summary>Rentals that have not ended: the owner was not disposed of, or a pin is left.</summary>
    public long Outstanding { get; init; }

    /// <summary>Owners that were lost, as far as known; 0 unless <see cref="NativeMemoryPoolOptions.TrackLeaks"/> or
    /// <see cref="NativeMemoryPoolOptions.ReclaimLost"/> is set. Those that were not reclaimed stay <see cref="Outstanding"/>, and their
    /// blocks the heap's.</summary>
    public long Leaks { get; init; }

    /// <summary>Of the lost, those whose blocks were freed (<see cref="NativeMemoryPoolOptions.ReclaimLost"/>).</summary>
    public long Reclaimed { get; init; }

    /// <summary>How often an owner was disposed of that was not rented. Any is a mistake, which with recycled owners may one day hit
    /// another renter: see <see cref="NativeMemoryPoolOptions.RecycleOwners"/>.</summary>
    public long StrayDisposals { get; init; }
}
