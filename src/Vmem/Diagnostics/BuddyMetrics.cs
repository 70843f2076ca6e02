using System.Diagnostics.Metrics;
using Vmem.Diagnostics;
using Vmem.Lifetimes;

namespace Vmem;

/// <summary>The names of the buddy allocators' metrics, and the instruments behind them.</summary>
/// <remarks>The meter is called as that of arenas is (<see cref="ArenaMetrics.MeterName"/>): whoever asks for it sees these, too. Nothing
/// is recorded: see <see cref="ArenaMetrics"/>.</remarks>
public static class BuddyMetrics
{
    /// <summary>The tag on each measurement: the allocator's name.</summary>
    public const string BuddyNameTag = "vmem.buddy.name";

    /// <summary>The second tag of an allocator whose name another one had first: "2", "3" and so on.</summary>
    public const string BuddyInstanceTag = "vmem.buddy.instance";

    /// <summary>The size of the whole range, in the allocator's units.</summary>
    public const string Size = "vmem.buddy.size";

    /// <summary>What callers hold, in whole blocks, in the allocator's units.</summary>
    public const string InUse = "vmem.buddy.in_use";

    /// <summary>What nobody holds and can be had, in the allocator's units.</summary>
    public const string Free = "vmem.buddy.free";

    /// <summary>The size of the largest free block.</summary>
    public const string LargestFree = "vmem.buddy.largest_free";

    /// <summary>External waste, from 0 to 1 (<see cref="BuddyStatistics{T}.ExternalWaste"/>).</summary>
    public const string Fragmentation = "vmem.buddy.fragmentation";

    /// <summary>The most that was ever in use, in the allocator's units.</summary>
    public const string Peak = "vmem.buddy.peak";

    /// <summary>Allocated blocks.</summary>
    public const string Blocks = "vmem.buddy.blocks";

    /// <summary>Allocations that succeeded.</summary>
    public const string Allocations = "vmem.buddy.allocations";

    /// <summary>Blocks that came back.</summary>
    public const string Frees = "vmem.buddy.frees";

    /// <summary>Allocations that found no room.</summary>
    public const string Failures = "vmem.buddy.failures";

    private static readonly Meter s_meter = new(ArenaMetrics.MeterName);

    static BuddyMetrics()
    {
        Unloading.Then(s_meter.Dispose);
        Observe(Size, BuddyFigure.Size, "{unit}", "The size of the whole range.");
        Observe(InUse, BuddyFigure.InUse, "{unit}", "What callers hold, in whole blocks.");
        Observe(Free, BuddyFigure.Free, "{unit}", "What nobody holds and can be had.");
        ObserveMost(LargestFree, BuddyFigure.LargestFree, "The size of the largest free block.");
        Allocators.ObserveShare(s_meter, Fragmentation, (int)BuddyFigure.Fragmentation, "1 - largest free / free.");
        ObserveMost(Peak, BuddyFigure.Peak, "The most that was ever in use.");
        Observe(Blocks, BuddyFigure.Blocks, "{block}", "Allocated blocks.");
        Observe(Allocations, BuddyFigure.Allocations, "{allocation}", "Allocations that succeeded.");
        Observe(Frees, BuddyFigure.Frees, "{free}", "Blocks that came back.");
        Observe(Failures, BuddyFigure.Failures, "{failure}", "Allocations that found no room.");
    }

    /// <summary>The allocators that are measured.</summary>
    internal static MeteredRegistry Allocators { get; } = new(BuddyNameTag, BuddyInstanceTag, levels: (int)BuddyFigure.Allocations);

    private static void Observe(string name, BuddyFigure figure, string unit, string description) =>
        Allocators.Observe(s_meter, name, (int)figure, unit, description);

    private static void ObserveMost(string name, BuddyFigure figure, string description) =>
        Allocators.ObserveMost(s_meter, name, (int)figure, "{unit}", description);
}
