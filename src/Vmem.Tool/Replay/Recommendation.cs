using Vmem.Tool.Blocks;

namespace Vmem.Tool.Replay;

/// <summary>
/// Which allocator suits the program best: the one that fails least, then costs the least (range and bookkeeping), then is fastest. Costs
/// within one percent count as equal (arbitrary: less than what the next run of the same program would differ by), so that a policy which
/// saves a page does not beat one that takes half the time. Of real memory 64 KiB count as equal, too: the runtime's own pages are in
/// what was measured, and they differ by dozens of KiB from one run to the next.
/// <para>Real memory and addresses are two questions: one lane of each is recommended.</para>
/// </summary>
internal static class Recommendation
{
    private const double EqualCost = 1.01;
    private const ulong EqualMemory = 64 << 10;

    /// <summary>The lanes of real memory, if there are any, and those of addresses, if there are any.</summary>
    public static IEnumerable<IReadOnlyList<ReplayLane>> Split(IReadOnlyList<ReplayLane> lanes) => lanes
        .GroupBy(lane => AllocatorNames.IsMemory(lane.Target.Allocator))
        .OrderByDescending(group => group.Key)
        .Select(group => group.ToList());

    /// <summary>The best lane, and those that could stand in for it: as few failures, a cost within a percent.</summary>
    public static (ReplayLane Best, IReadOnlyList<ReplayLane> Rivals) Choose(IReadOnlyList<ReplayLane> lanes)
    {
        long failures = lanes.Min(lane => lane.Failures);
        List<ReplayLane> reliable = [.. lanes.Where(lane => lane.Failures == failures)];
        ulong least = reliable.Min(lane => lane.Cost);
        bool isMemory = lanes.All(lane => AllocatorNames.IsMemory(lane.Target.Allocator));
        double cost = Math.Max(least * EqualCost, least + (isMemory ? (double)EqualMemory : 0));
        List<ReplayLane> cheap = [.. reliable.Where(lane => lane.Cost <= cost)];
        ReplayLane best = cheap.MinBy(lane => (lane.Latency.Percentile(0.5), lane.Latency.Percentile(0.999), lane.Cost))!;
        return (best, cheap);
    }
}
