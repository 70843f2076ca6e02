using System.Diagnostics;

namespace Vmem.Extensions.Hosting;

/// <summary>What a host has of Vmem, by name, and what it logs.</summary>
/// <remarks>Names ignore case, as keys of a configuration do, and keep the spelling in which they were added. Services ask for that
/// spelling.</remarks>
[DebuggerDisplay("{Arenas.Count} arenas, {Heaps.Count} heaps, {Pools.Count} pools")]
public sealed class VmemHostingOptions
{
    /// <summary>Arenas: services ask for <c>[FromKeyedServices("name")] Arena&lt;ulong&gt;</c>.</summary>
    public IDictionary<string, ArenaSettings> Arenas { get; } = new Dictionary<string, ArenaSettings>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Heaps: services ask for <c>[FromKeyedServices("name")] NativeHeap</c>.</summary>
    public IDictionary<string, HeapSettings> Heaps { get; } = new Dictionary<string, HeapSettings>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Pools: services ask for <c>[FromKeyedServices("name")] MemoryPool&lt;byte&gt;</c>.</summary>
    public IDictionary<string, PoolSettings> Pools { get; } = new Dictionary<string, PoolSettings>(StringComparer.OrdinalIgnoreCase);

    /// <summary>How often the arenas and pools of the process are looked at, to log what went wrong. 10 seconds by default, at most
    /// 49 days. After several calls of <c>AddVmem</c> the smallest counts.</summary>
    public TimeSpan WatchInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A request that waits for longer is logged. 10 seconds by default. After several calls of <c>AddVmem</c> the smallest
    /// counts.</summary>
    public TimeSpan SlowWait { get; set; } = TimeSpan.FromSeconds(10);
}

/// <summary>An arena of a host.</summary>
[DebuggerDisplay("{Size} from {Start}, quantum {Quantum}, {Policy}")]
public sealed class ArenaSettings
{
    /// <summary>The first value.</summary>
    public ulong Start { get; set; }

    /// <summary>How many values there are; not 0.</summary>
    public ulong Size { get; set; }

    /// <summary>The unit of allocation; 1 by default. Start and size are multiples of it.</summary>
    public ulong Quantum { get; set; } = 1;

    /// <summary>See <see cref="ArenaOptions{T}.Policy"/>.</summary>
    public FitPolicy Policy { get; set; }

    /// <summary>See <see cref="ArenaOptions{T}.QuantumCacheMax"/>.</summary>
    public ulong QuantumCacheMax { get; set; }

    /// <summary>See <see cref="ArenaOptions{T}.Audit"/>.</summary>
    public bool Audit { get; set; }
}

/// <summary>A heap of a host.</summary>
[DebuggerDisplay("limit {Limit}")]
public sealed class HeapSettings
{
    /// <summary>The most bytes that it may hold; 0: no limit of its own.</summary>
    public ulong Limit { get; set; }

    /// <summary>Whether the blocks that are left when it is disposed of are logged, with the stacks that allocated them. Each allocation
    /// then takes microseconds (<see cref="Vmem.Memory.HeapDebugging.Owners"/>).</summary>
    public bool TrackLeaks { get; set; }
}

/// <summary>A pool of a host: blocks of a heap, or pinned slabs.</summary>
[DebuggerDisplay("heap {Heap}, limit {Limit}")]
public sealed class PoolSettings
{
    /// <summary>The name of the heap whose blocks it rents out. Null: it is a pool of pinned slabs.</summary>
    public string? Heap { get; set; }

    /// <summary>The most bytes of slabs, rounded down to whole ones of 1 MiB, and at least one; 0: no limit. A heap has its own.</summary>
    public ulong Limit { get; set; }

    /// <summary>Whether owners that were dropped are found and logged.</summary>
    public bool TrackLeaks { get; set; }
}
