using Vmem.Checks;
using Vmem.Memory.Diagnostics;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// What can be asked of a client.
public sealed unsafe partial class MemoryClient
{
    /// <summary>Figures of the client, exact at the time of the call. Of one that has been disposed of: what it did. O(regions).</summary>
    public MemoryClientStatistics GetStatistics()
    {
        using ArenaLock.Scope held = Enter();
        (long cachedBlocks, nuint cached) = _free.CountCached();
        long live = _free.Regions.CountLive();
        return new MemoryClientStatistics
        {
            Name = Name,
            Quota = Quota,
            TotalSize = TotalSize,
            Held = Held,
            InUse = _inUse,
            PeakInUse = _peakInUse,
            Cached = cached,
            CachedBlocks = cachedBlocks,
            Free = TotalSize - (_inUse - _childrenHeld) - cached,
            LargestFree = _free.Regions.LargestFree,
            LiveBlocks = live,
            Regions = _free.Regions.Count,
            RegionsTaken = _free.Regions.Taken,
            Allocations = _allocations,
            Frees = _allocations - live - _leaked,
            Failures = _failures,
            RefusedCallbacks = _callbacks.Refused,
            InternalWaste = _allocations == 0
                ? 0
                : 1 - ((double)_requestedEver / (_inUse - _childrenHeld + _freedEver - (ulong)_grownEver)),
        };
    }

    /// <summary>Whose blocks are live at this moment, grouped by the stacks that allocated them, the largest total first. What plug-ins and
    /// scripts leak is in it until the client is reset or disposed of. O(live blocks).</summary>
    /// <returns>The report.</returns>
    /// <exception cref="InvalidOperationException">The context keeps no owners: <see cref="MemoryContextFeatures.Audit"/> was not
    /// set.</exception>
    public AuditReport<nuint> GetAuditReport()
    {
        using ArenaLock.Scope held = Enter();
        return _audit?.Report(Name) ?? throw new InvalidOperationException(
            $"Client '{Name}' keeps no owners. Set {nameof(MemoryContextFeatures)}.{nameof(MemoryContextFeatures.Audit)} in its context's {nameof(MemoryContextOptions.Features)}.");
    }

    /// <summary>One figure for the metrics; false if the client does not have this one, or has been disposed of. Without the lock: it is of
    /// some moment during the reading.</summary>
    internal bool TryRead(ClientFigure figure, out long value)
    {
        value = figure switch
        {
            ClientFigure.Held => long.CreateSaturating(Held),
            ClientFigure.InUse => long.CreateSaturating(InUse),
            ClientFigure.Quota => long.CreateSaturating(Quota),
            _ => Volatile.Read(ref _failures),
        };
        return !_disposed && (figure != ClientFigure.Quota || value != 0);
    }

    /// <summary>Checks every invariant of the client's. O(units of its regions).</summary>
    internal void Validate()
    {
        using ArenaLock.Scope held = Enter();
        var census = new ClientCensus(this, _map, _contents);
        census.Visit(_free);
        nuint own = _inUse - _childrenHeld;
        long live = _free.Regions.CountLive();
        Invariant.Hold(_audit is null || _audit.Live == live, "the audit knows every live block", $"{_audit?.Live} are recorded, {live} are live.");
        Invariant.Hold(census.InUse == own, "InUse is what live blocks take", $"They take {census.InUse}, the client counts {own}.");
    }
}
