using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>What a client holds and has done; amounts in bytes.</summary>
/// <remarks>As in libvmma some figures are kept (<see cref="TotalSize"/>, <see cref="InUse"/> <see cref="PeakInUse"/> and most counts) and
/// cost nothing to read, and some are found by looking (<see cref="LiveBlocks"/> and so <see cref="Frees"/>, <see cref="Cached"/>,
/// <see cref="CachedBlocks"/>): O(regions).</remarks>
[DebuggerDisplay("{Name,nq}: {InUse} bytes in {LiveBlocks} blocks, {TotalSize} held, quota {Quota}")]
public readonly record struct MemoryClientStatistics
{
    /// <summary>The client's name.</summary>
    public string Name { get; init; }

    /// <summary>The most that <see cref="InUse"/> may become; 0: no such limit.</summary>
    public nuint Quota { get; init; }

    /// <summary>The client's regions together (libvmma: vmma_get_total_size).</summary>
    public nuint TotalSize { get; init; }

    /// <summary>What the client keeps from others: <see cref="TotalSize"/>, and what its own clients hold.</summary>
    public nuint Held { get; init; }

    /// <summary>The blocks that the client's user holds, their rounding included, and what its own clients hold.</summary>
    public nuint InUse { get; init; }

    /// <summary>The most that <see cref="InUse"/> ever was.</summary>
    public nuint PeakInUse { get; init; }

    /// <summary>Freed blocks kept ready in the size they have (libvmma: vmma_populate_cached_blocks, in bytes).</summary>
    public nuint Cached { get; init; }

    /// <summary>The number of those blocks (libvmma: vmma_populate_cached_blocks).</summary>
    public long CachedBlocks { get; init; }

    /// <summary>What nobody uses of the regions: <c>TotalSize − InUse − Cached</c>, where the client has none of its own.</summary>
    public nuint Free { get; init; }

    /// <summary>The largest free piece of a region.</summary>
    public nuint LargestFree { get; init; }

    /// <summary>Blocks that the client's user holds.</summary>
    public long LiveBlocks { get; init; }

    /// <summary>Regions held.</summary>
    public long Regions { get; init; }

    /// <summary>Regions ever taken from the context.</summary>
    public long RegionsTaken { get; init; }

    /// <summary>Allocations that succeeded.</summary>
    public long Allocations { get; init; }

    /// <summary>Frees that succeeded.</summary>
    public long Frees { get; init; }

    /// <summary>Allocations refused for want of room, or by the quota.</summary>
    public long Failures { get; init; }

    /// <summary>Calls through <see cref="MemoryClient.Functions"/> that were refused: mostly as wrong.</summary>
    public long RefusedCallbacks { get; init; }

    /// <summary>The share of all bytes ever handed out that their callers had not asked for: what rounding to powers of two has cost so
    /// far. A block resized where it lies counts as it was handed out.</summary>
    public double InternalWaste { get; init; }
}
