using System.Diagnostics;
using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace Vmem.Leasing;

/// <summary>How a process uses a shared arena.</summary>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("spans of {SpanSize}, {Stock} in stock")]
public sealed record LeasedArenaOptions<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How much is leased at once, in units; rounded up to the quantum. 0: 1,024 quanta.</summary>
    /// <remarks>Larger spans mean fewer calls to the store, and more that a process that dies takes with it for a while. Requests above it
    /// lease what they need.</remarks>
    public T SpanSize { get; init; }

    /// <summary>How many unused spans lie ready, so that nobody waits for the network. 2 unless set; 0: each span is leased when it is
    /// needed.</summary>
    public int Stock { get; init; } = 2;

    /// <summary>What the arena is. It is made if it is absent; else it must agree. Null: it must exist.</summary>
    public LeasedArenaDefinition<T>? Definition { get; init; }

    /// <summary>Exact mode: a file in which each allocation and each free is noted, mapped into memory. The next session of the name then
    /// finds each range that was handed out (<see cref="LeasedArena{T}.Adopted"/>), and not only the spans. A second file of the same path
    /// with <c>-2</c> lies beside it. Null, unless set: no journal. Needs a session with a name.</summary>
    /// <remarks>A note survives the death of the process. <see cref="LeasedArena{T}.FlushAsync"/> makes it survive a power failure. Give
    /// each arena a file of its own, on a drive of this machine, beside the store's.</remarks>
    public string? JournalPath { get; init; }

    /// <summary>The arena of this process, above the leased spans. Its source is the lease. It has no quantum caches and no limit of its
    /// own, and keeps no empty spans: the stock does.</summary>
    public ArenaOptions<T> Arena { get; init; } = new();

    /// <summary>Waits until the disk has what was written to a file of the journal. Null, unless set: as the system does.</summary>
    internal Action<SafeFileHandle>? FlushToDisk { get; init; }

    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(Arena);
        ArgumentOutOfRangeException.ThrowIfNegative(Stock);
        string? fault =
            Arena.Source is not null ? "The source of a leased arena is its lease: leave ArenaOptions.Source unset." :
            !T.IsZero(Arena.QuantumCacheMax) ? "A leased arena has no quantum caches, as a lease that is lost must be taken back at once: leave ArenaOptions.QuantumCacheMax unset." :
            JournalPath is { Length: 0 } ? "An empty path is no journal's: leave LeasedArenaOptions.JournalPath unset." :
            Arena.SingleThreaded ? "Spans come on a task of their own: leave ArenaOptions.SingleThreaded unset." : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault, nameof(LeasedArenaOptions<>));
        }
    }
}
