using System.Diagnostics;

namespace Vmem;

/// <summary>An arena of any integer type, as <see cref="VmemProcess.Arenas"/> lists it: for whoever looks at a program without knowing its
/// types.</summary>
/// <remarks>
/// <para>All amounts are 128 bits wide, which hold those of every type. A view keeps its arena alive, and works on when that has been
/// disposed of.</para>
/// <para>
/// <b>A single-threaded arena</b> has no lock that a look from outside could take. Its figures are those of some moment during the reading,
/// and what takes a walk cannot be had: no map, no waits, and <see cref="ArenaStatistics{T}.LargestFree"/> reads as all that is free.
/// </para>
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public abstract class ArenaView
{
    private protected ArenaView()
    {
    }

    /// <summary>The arena, an <see cref="Arena{T}"/>: for whoever knows its type, and to tell one from another.</summary>
    public abstract object Arena { get; }

    /// <summary>The arena's name.</summary>
    public abstract string Name { get; }

    /// <summary>1 for the first arena of a name that was looked at or measured, 2 for the next, and so on: with the name it is unique. The
    /// metrics say the same by <see cref="ArenaMetrics.ArenaInstanceTag"/>.</summary>
    public abstract int Instance { get; }

    /// <summary>The arena's integer type.</summary>
    public abstract Type ValueType { get; }

    /// <summary>The unit of allocation.</summary>
    public abstract UInt128 Quantum { get; }

    /// <summary>The policy of the calls that name none.</summary>
    public abstract FitPolicy Policy { get; }

    /// <summary>The total size that the arena may reach; 0: no limit.</summary>
    public abstract UInt128 Limit { get; }

    /// <summary>The largest size that quantum caches serve; 0: there are none.</summary>
    public abstract UInt128 QuantumCacheMax { get; }

    /// <summary>What the arena imports from, as its options named it: an <see cref="IArenaSource{T}"/>, often another arena. Null if it has
    /// no source.</summary>
    public abstract object? Source { get; }

    /// <summary>See <see cref="ArenaOptions{T}.SingleThreaded"/>.</summary>
    public abstract bool IsSingleThreaded { get; }

    /// <summary>See <see cref="ArenaOptions{T}.Audit"/>.</summary>
    public abstract bool IsAudited { get; }

    /// <summary>What the arena holds and has done: see <see cref="Arena{T}.GetStatistics"/>. O(1), with quantum caches O(threads) for each
    /// cached size.</summary>
    /// <param name="statistics">The figures.</param>
    /// <returns>False if the arena has been disposed of.</returns>
    public abstract bool TryGetStatistics(out ArenaStatistics<UInt128> statistics);

    /// <summary>The requests that wait for room, the oldest first.</summary>
    /// <param name="most">How many of them at most; the lock is held for as long as these take to copy.</param>
    /// <param name="count">How many there are.</param>
    /// <returns>The waits.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="most"/> is negative.</exception>
    public abstract IReadOnlyList<ArenaWait> GetWaits(int most, out int count);

    /// <summary>Begins a map of the arena, which <see cref="ArenaMap.Update"/> draws.</summary>
    /// <param name="columns">How many columns it has.</param>
    /// <returns>The map; null if the arena is single-threaded.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one column, or more than <see cref="ArenaMap.MostColumns"/>.</exception>
    public abstract ArenaMap? CreateMap(int columns);

    /// <summary>Who holds what, the largest total first: see <see cref="Arena{T}.GetAuditReport"/>. O(n).</summary>
    /// <returns>The report; null if the arena keeps no audit, or has been disposed of.</returns>
    public abstract AuditReport<UInt128>? GetAuditReport();

    /// <summary>The segments as a rundown writes them, a batch for each stay under the lock; none of a single-threaded arena.</summary>
    internal abstract IEnumerable<byte[]> EncodeSegments();

    /// <summary>Allocations are sampled from now on, or not any more. Nothing happens to a single-threaded arena.</summary>
    internal abstract void SetSampled(bool isSampled);

    /// <summary>The arena in a line.</summary>
    /// <returns>Its name, type, size and use.</returns>
    public override string ToString() => TryGetStatistics(out ArenaStatistics<UInt128> figures)
        ? $"{Name}: {figures.InUse} of {figures.TotalSize} in use ({ValueType.Name})" : $"{Name}: disposed ({ValueType.Name})";
}
