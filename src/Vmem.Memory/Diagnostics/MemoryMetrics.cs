using System.Diagnostics.Metrics;
using Vmem.Diagnostics;
using Vmem.Lifetimes;
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

    /// <summary>What takes memory now, in bytes (<see cref="NativeHeapStatistics.Resident"/>). Read in O(committed pages).</summary>
    public const string Resident = "vmem.heap.resident";

    /// <summary>Free pages that may still take memory, in bytes (<see cref="NativeHeapStatistics.Dirty"/>).</summary>
    public const string Dirty = "vmem.heap.dirty";

    /// <summary>Memory that went back to the system, in bytes (<see cref="NativeHeapStatistics.Decommitted"/>).</summary>
    public const string Decommitted = "vmem.heap.decommitted";

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

    /// <summary>The tag on each measurement of a context: its name.</summary>
    public const string ContextNameTag = "vmem.context.name";

    /// <summary>The second tag of a context whose name another one had first: "2", "3" and so on.</summary>
    public const string ContextInstanceTag = "vmem.context.instance";

    /// <summary>What clients can be given altogether, in bytes (<see cref="MemoryContextStatistics.TotalSize"/>).</summary>
    public const string ContextSize = "vmem.context.size";

    /// <summary>What clients hold, in bytes (<see cref="MemoryContextStatistics.InUse"/>).</summary>
    public const string ContextInUse = "vmem.context.in_use";

    /// <summary>What no client holds, in bytes (<see cref="MemoryContextStatistics.Free"/>).</summary>
    public const string ContextFree = "vmem.context.free";

    /// <summary>The largest piece that no client holds, in bytes (<see cref="MemoryContextStatistics.LargestFree"/>).</summary>
    public const string ContextLargestFree = "vmem.context.largest_free";

    /// <summary>1 - largest free / free (<see cref="MemoryContextStatistics.Fragmentation"/>).</summary>
    public const string ContextFragmentation = "vmem.context.fragmentation";

    /// <summary>The most that clients ever held at once, in bytes (<see cref="MemoryContextStatistics.PeakInUse"/>).</summary>
    public const string ContextPeak = "vmem.context.peak";

    /// <summary>What of the free part may still take memory, in bytes (<see cref="MemoryContextStatistics.Dirty"/>).</summary>
    public const string ContextDirty = "vmem.context.dirty";

    /// <summary>Memory that went back to the system, in bytes (<see cref="MemoryContextStatistics.Decommitted"/>).</summary>
    public const string ContextDecommitted = "vmem.context.decommitted";

    /// <summary>Clients that exist (<see cref="MemoryContextStatistics.Clients"/>).</summary>
    public const string Clients = "vmem.context.clients";

    /// <summary>Clients ever created (<see cref="MemoryContextStatistics.ClientsCreated"/>).</summary>
    public const string ClientsCreated = "vmem.context.clients_created";

    /// <summary>The first tag on each measurement of clients: their name. The clients of one name in a context are measured together. The
    /// context's tags follow.</summary>
    public const string ClientNameTag = "vmem.client.name";

    /// <summary>What the clients' blocks take, in bytes (<see cref="MemoryClient.InUse"/>).</summary>
    public const string ClientInUse = "vmem.client.in_use";

    /// <summary>What the clients hold of their context, and those within them, in bytes (<see cref="MemoryClient.Held"/>).</summary>
    public const string ClientHeld = "vmem.client.held";

    /// <summary>What the clients may use, in bytes (<see cref="MemoryClient.Quota"/>). Those without a quota are left out.</summary>
    public const string ClientQuota = "vmem.client.quota";

    /// <summary>Requests that found no room, of the clients that exist now (<see cref="MemoryClientStatistics.Failures"/>). It falls when
    /// one of them goes.</summary>
    public const string ClientFailures = "vmem.client.failures";

    private static readonly Meter s_meter = new(MeterName);

    static MemoryMetrics()
    {
        Unloading.Then(s_meter.Dispose);
        Unloading.Then(VmemProcess.AddToDump(MemoryDump.Write).Dispose);
        Observe(Reserved, HeapFigure.Reserved, "By", "Address space.");
        Observe(Committed, HeapFigure.Committed, "By", "What is backed by memory as soon as it is touched.");
        Observe(Resident, HeapFigure.Resident, "By", "What takes memory now.");
        Observe(Dirty, HeapFigure.Dirty, "By", "Free pages that may still take memory.");
        Observe(Decommitted, HeapFigure.Decommitted, "By", "Memory that went back to the system.");
        Observe(Held, HeapFigure.Held, "By", "What slabs and large blocks take.");
        Observe(InUse, HeapFigure.InUse, "By", "What the heap's users hold.");
        Observe(Cached, HeapFigure.Cached, "By", "What lies in magazines, ready for use.");
        Observe(LiveBlocks, HeapFigure.LiveBlocks, "{block}", "Blocks that the heap's users hold.");
        Observe(Allocations, HeapFigure.Allocations, "{allocation}", "Blocks that were ever allocated.");
        Observe(Frees, HeapFigure.Frees, "{free}", "Blocks that were freed.");
        Observe(Failures, HeapFigure.Failures, "{failure}", "Requests that found no room.");
        Observe(Outstanding, PoolFigure.Outstanding, "{owner}", "Rentals that have not ended.");
        Observe(Rented, PoolFigure.Rents, "{rent}", "How often memory was rented.");
        Observe(ContextSize, ContextFigure.Size, "By", "What clients can be given altogether.");
        Observe(ContextInUse, ContextFigure.InUse, "By", "What clients hold.");
        Observe(ContextFree, ContextFigure.Free, "By", "What no client holds.");
        ObserveMost(ContextLargestFree, ContextFigure.LargestFree, "The largest piece that no client holds.");
        Contexts.ObserveShare(s_meter, ContextFragmentation, (int)ContextFigure.Fragmentation, "1 - largest free / free.");
        ObserveMost(ContextPeak, ContextFigure.Peak, "The most that clients ever held at once.");
        Observe(ContextDirty, ContextFigure.Dirty, "By", "What of the free part may still take memory.");
        Observe(ContextDecommitted, ContextFigure.Decommitted, "By", "Memory that went back to the system.");
        Observe(Clients, ContextFigure.Clients, "{client}", "Clients that exist.");
        Observe(ClientsCreated, ContextFigure.ClientsCreated, "{client}", "Clients ever created.");
        Observe(ClientInUse, ClientFigure.InUse, "By", "What the clients' blocks take.");
        Observe(ClientHeld, ClientFigure.Held, "By", "What the clients hold of their context, and those within them.");
        Observe(ClientQuota, ClientFigure.Quota, "By", "What the clients may use.");
        Observe(ClientFailures, ClientFigure.Failures, "{failure}", "Requests that found no room, of the clients that exist now.");
        Observe(Leaks, PoolFigure.Leaks, "{owner}", "Owners that were dropped without having been disposed of.");
    }

    /// <summary>The heaps that are measured.</summary>
    internal static MeteredRegistry Heaps { get; } = new(HeapNameTag, HeapInstanceTag, levels: (int)HeapFigure.Allocations);

    /// <summary>The pools that are measured.</summary>
    internal static MeteredRegistry Pools { get; } = new(PoolNameTag, PoolInstanceTag, levels: (int)PoolFigure.Rents);

    /// <summary>The contexts that are measured.</summary>
    internal static MeteredRegistry Contexts { get; } = new(ContextNameTag, ContextInstanceTag, levels: (int)ContextFigure.ClientsCreated);

    private static void Observe(string name, ContextFigure figure, string unit, string description) =>
        Contexts.Observe(s_meter, name, (int)figure, unit, description);

    private static void ObserveMost(string name, ContextFigure figure, string description) =>
        Contexts.ObserveMost(s_meter, name, (int)figure, "By", description);

    private static void Observe(string name, ClientFigure figure, string unit, string description) =>
        _ = s_meter.CreateObservableUpDownCounter(name, () => ClientMeasurements.Of(Contexts, figure), unit, description);

    private static void Observe(string name, HeapFigure figure, string unit, string description) =>
        Heaps.Observe(s_meter, name, (int)figure, unit, description);

    private static void Observe(string name, PoolFigure figure, string unit, string description) =>
        Pools.Observe(s_meter, name, (int)figure, unit, description);
}
