using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>What a context holds and has done; amounts in bytes.</summary>
[DebuggerDisplay("{InUse} of {TotalSize} bytes in use, {Clients} clients")]
public readonly record struct MemoryContextStatistics
{
    /// <summary>What clients can be given altogether (libvmma: vmma_get_total_size): the block, less what its ends lose to
    /// alignment.</summary>
    public nuint TotalSize { get; init; }

    /// <summary>What clients hold, whether they use it or not.</summary>
    public nuint InUse { get; init; }

    /// <summary>What no client holds.</summary>
    public nuint Free { get; init; }

    /// <summary>What of it may still take memory, if the block is the context's own. <see cref="MemoryContext.Trim"/> gives it
    /// back.</summary>
    public nuint Dirty { get; init; }

    /// <summary>How much memory the context has given back to the system since it was made, if the block is its own: by
    /// <see cref="MemoryContext.Trim"/>, after an idle interval, and when memory was short.</summary>
    public nuint Decommitted { get; init; }

    /// <summary>The largest piece that no client holds.</summary>
    public nuint LargestFree { get; init; }

    /// <summary>The most that clients ever held at once.</summary>
    public nuint PeakInUse { get; init; }

    /// <summary>Clients that exist.</summary>
    public int Clients { get; init; }

    /// <summary>Regions that they hold.</summary>
    public long Regions { get; init; }

    /// <summary>Clients ever created.</summary>
    public long ClientsCreated { get; init; }

    /// <summary>Clients disposed of.</summary>
    public long ClientsDeleted { get; init; }

    /// <summary>Bytes zeroed because somebody else had written to them.</summary>
    public ulong BytesZeroedOnHandOver { get; init; }

    /// <summary>Bytes of the context's tables, all of them outside the block.</summary>
    public long BookkeepingBytes { get; init; }

    /// <summary><c>1 − LargestFree / Free</c>; 0 when nothing is free.</summary>
    public double Fragmentation => Free == 0 ? 0 : 1 - ((double)LargestFree / Free);
}
