using System.Diagnostics.Metrics;
using Vmem.Diagnostics;
using Vmem.Memory.Diagnostics;

namespace Vmem.Memory;

/// <summary>The names of the metrics of heaps and pools, and the instruments behind them.</summary>
/// <remarks>
/// <para>
/// Nothing is recorded: a collector reads what heaps and pools know anyway. See <see cref="ArenaMetrics"/>. Five of a heap's figures
/// (in use, cached, live blocks, allocations, frees) count what lies in magazines, for which threads at work stand still for a moment.
/// </para>
/// <para>
/// The meter is this assembly's own. Rejected: the instruments of heaps on the meter of arenas, which Vmem would have to make public for
/// it, open to anyone.
/// </para>
/// </remarks>
public static class MemoryMetrics
{
    /// <summary>The meter's name: what <c>AddMeter</c> of OpenTelemetry or a <see cref="MeterListener"/> asks for. Arenas have one of their
    /// own, <see cref="ArenaMetrics.MeterName"/>.</summary>
    public const string MeterName = "Vmem.Memory";

    /// <summary>The tag on each measurement of a heap: its name.</summary>
    public const string HeapNameTag = "vmem.heap.name";

    /// <summary>The second tag of a heap whose name another one had first: "2", "3" and so on.</summary>
    public const string HeapInstanceTag = "vmem.heap.instance";

    /// <summary>The tag on each measurement of a pool: its name.</summary>
    public const string PoolNameTag = "vmem.pool.name";

    /// <summary>The second tag of a pool whose name another one had first: "2", "3" and so on.</summary>
    public const string PoolInstanceTag = "vmem.pool.instance";

    /// <summary>Address space, in bytes (<see cref="NativeHeapStatistics.Reserved"/>).</summary>
    public const string Reserved = "vmem.heap.reserved";

    /// <summary>What is backed by memory as soon as it is touched, in bytes (<see cref="NativeHeapStatistics.Committed"/>).</summary>
    public const string Committed = "vmem.heap.committed";

    /// <summary>What slabs and large blocks take, in bytes (<see cref="NativeHeapStatistics.Held"/>).</summary>
    public const string Held = "vmem.heap.held";

    /// <summary>What the heap's users hold, in bytes (<see cref="NativeHeapStatistics.InUse"/>).</summary>
    public const string InUse = "vmem.heap.in_use";

    /// <summary>What lies in magazines, in bytes (<see cref="NativeHeapStatistics.Cached"/>).</summary>
    public const string Cached = "vmem.heap.cached";

    /// <summary>Blocks that the heap's users hold (<see cref="NativeHeapStatistics.LiveBlocks"/>).</summary>
    public const string LiveBlocks = "vmem.heap.live_blocks";

    /// <summary>Blocks that were ever allocated (<see cref="NativeHeapStatistics.Allocations"/>).</summary>
    public const string Allocations = "vmem.heap.allocations";

    /// <summary>Blocks that were freed (<see cref="NativeHeapStatistics.Frees"/>).</summary>
    public const string Frees = "vmem.heap.frees";

    /// <summary>Requests that found no room (<see cref="NativeHeapStatistics.Failures"/>).</summary>
    public const string Failures = "vmem.heap.failures";

    /// <summary>Rentals that have not ended (<see cref="NativeMemoryPoolStatistics.Outstanding"/>).</summary>
    public const string Outstanding = "vmem.pool.outstanding";

    /// <summary>How often memory was rented (<see cref="NativeMemoryPoolStatistics.Rents"/>).</summary>
    public const string Rented = "vmem.pool.rented";

    /// <summary>Owners that were lost (<see cref="NativeMemoryPoolStatistics.Leaks"/>).</summary>
    public const string Leaks = "vmem.pool.leaks";

    private static readonly Meter s_meter = new(MeterName);

    static MemoryMetrics()
    {
        Level(Reserved, HeapFigure.Reserved, "By", "Address space.");
        Level(Committed, HeapFigure.Committed, "By", "What is backed by memory as soon as it is touched.");
        Level(Held, HeapFigure.Held, "By", "What slabs and large blocks take.");
        Level(InUse, HeapFigure.InUse, "By", "What the heap's users hold.");
        Level(Cached, HeapFigure.Cached, "By", "What lies in magazines, ready for use.");
        Level(LiveBlocks, HeapFigure.LiveBlocks, "{block}", "Blocks that the heap's users hold.");
        Count(Allocations, new MeteredSeries(Heaps, (int)HeapFigure.Allocations), "{allocation}", "Blocks that were ever allocated.");
        Count(Frees, new MeteredSeries(Heaps, (int)HeapFigure.Frees), "{free}", "Blocks that were freed.");
        Count(Failures, new MeteredSeries(Heaps, (int)HeapFigure.Failures), "{failure}", "Requests that found no room.");
        var outstanding = new MeteredSeries(Pools, (int)PoolFigure.Outstanding);
        _ = s_meter.CreateObservableUpDownCounter(Outstanding, () => outstanding, "{owner}", "Rentals that have not ended.");
        Count(Rented, new MeteredSeries(Pools, (int)PoolFigure.Rents), "{rent}", "How often memory was rented.");
        Count(Leaks, new MeteredSeries(Pools, (int)PoolFigure.Leaks), "{owner}", "Owners that were dropped without having been disposed of.");
    }

    /// <summary>The heaps that are measured.</summary>
    internal static MeteredRegistry Heaps { get; } =
        new(new MeteredKind(HeapNameTag, HeapInstanceTag, Levels: (int)HeapFigure.Allocations, Figures: (int)HeapFigure.Failures + 1));

    /// <summary>The pools that are measured.</summary>
    internal static MeteredRegistry Pools { get; } =
        new(new MeteredKind(PoolNameTag, PoolInstanceTag, Levels: (int)PoolFigure.Rents, Figures: (int)PoolFigure.Leaks + 1));

    private static void Level(string name, HeapFigure figure, string unit, string description)
    {
        var series = new MeteredSeries(Heaps, (int)figure);
        _ = s_meter.CreateObservableUpDownCounter(name, () => series, unit, description);
    }

    private static void Count(string name, MeteredSeries series, string unit, string description) =>
        _ = s_meter.CreateObservableCounter(name, () => series, unit, description);
}
