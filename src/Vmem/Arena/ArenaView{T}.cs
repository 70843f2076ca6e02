using System.Numerics;
using Vmem.Diagnostics;
using Vmem.Space;

namespace Vmem;

/// <summary>An arena as the process lists it, without its type.</summary>
internal sealed class ArenaView<T>(Arena<T> arena, Space<T> space, T cachedMax, MeteredEntry entry) : ArenaView
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <inheritdoc/>
    public override object Arena => arena;

    /// <inheritdoc/>
    public override string Name => space.Name;

    /// <inheritdoc/>
    public override int Instance => ArenaMetrics.Arenas.InstanceOf(entry, space.Name);

    /// <inheritdoc/>
    public override Type ValueType => typeof(T);

    /// <inheritdoc/>
    public override UInt128 Quantum => Wide(space.Quantum);

    /// <inheritdoc/>
    public override FitPolicy Policy => arena.Policy;

    /// <inheritdoc/>
    public override UInt128 Limit => Wide(space.Limit);

    /// <inheritdoc/>
    public override UInt128 QuantumCacheMax => Wide(cachedMax);

    /// <inheritdoc/>
    public override object? Source => space.NamedSource;

    /// <inheritdoc/>
    public override bool IsSingleThreaded => !space.IsShared;

    /// <inheritdoc/>
    public override bool IsAudited => space.Auditor is not null;

    /// <inheritdoc/>
    public override bool TryGetStatistics(out ArenaStatistics<UInt128> statistics)
    {
        space.BeginReading();
        try
        {
            statistics = space.HasEnded ? default : Wide(arena.Figures(), space.IsShared ? space.Map.LargestFree() : null);
            return !space.HasEnded;
        }
        finally
        {
            space.EndReading();
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<ArenaWait> GetWaits(int most, out int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(most);
        count = 0;
        return IsSingleThreaded ? [] : arena.CopyWaits(most, out count);
    }

    /// <inheritdoc/>
    public override ArenaMap? CreateMap(int columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(columns, ArenaMap.MostColumns);
        return IsSingleThreaded ? null : new MapWalk<T>(space, columns);
    }

    /// <inheritdoc/>
    public override AuditReport<UInt128>? GetAuditReport()
    {
        try
        {
            return IsAudited && !IsSingleThreaded ? Wide(arena.GetAuditReport()) : null;
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    internal override IEnumerable<byte[]> EncodeSegments() => IsSingleThreaded ? [] : SegmentEncoder.Encode(space);

    /// <inheritdoc/>
    internal override void SetSampled(bool isSampled)
    {
        if (!IsSingleThreaded)
        {
            space.SetSampled(isSampled);
        }
    }

    private static UInt128 Wide(T value) => UInt128.CreateTruncating(value);

    private static ArenaStatistics<UInt128> Wide(in ArenaStatistics<T> figures, T? largestFree) => new()
    {
        TotalSize = Wide(figures.TotalSize),
        InUse = Wide(figures.InUse),
        Cached = Wide(figures.Cached),
        Resting = Wide(figures.Resting),
        Free = Wide(figures.Free),
        Draining = Wide(figures.Draining),
        DrainingSpans = figures.DrainingSpans,
        Imported = Wide(figures.Imported),
        LargestFree = Wide(largestFree ?? figures.Free),
        PeakInUse = Wide(figures.PeakInUse),
        Allocations = figures.Allocations,
        Frees = figures.Frees,
        Failures = figures.Failures,
        Waits = figures.Waits,
        TimeWaited = figures.TimeWaited,
        Imports = figures.Imports,
        Releases = figures.Releases,
        Revocations = figures.Revocations,
        LiveSegments = figures.LiveSegments,
        FreeSegments = figures.FreeSegments,
        BookkeepingBytes = figures.BookkeepingBytes,
    };

    private static AuditReport<UInt128> Wide(AuditReport<T> report) => new(report.ArenaName, report.Taken,
        [.. report.Groups.Select(static group => new AuditGroup<UInt128>(group.Stack, group.Ranges, Wide(group.Size), group.OldestAge,
            [.. group.First.Select(static range => new AuditedRange<UInt128>(Wide(range.Start), Wide(range.Size), range.Call,
                range.ThreadId, range.ThreadName, range.Time))]))],
        "arena");
}
