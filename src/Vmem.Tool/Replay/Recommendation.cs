namespace Vmem.Tool.Replay;

/// <summary>
/// Which allocator suits the program best: the one that fails least, then costs the least (range and bookkeeping), then is fastest. Costs
/// within one percent count as equal (arbitrary: less than what the next run of the same program would differ by), so that a policy which
/// saves a page does not beat one that takes half the time.
/// </summary>
internal static class Recommendation
{
    private const double EqualCost = 1.01;

    /// <summary>The best lane, and those that could stand in for it: as few failures, a cost within a percent.</summary>
    public static (ReplayLane Best, IReadOnlyList<ReplayLane> Rivals) Choose(IReadOnlyList<ReplayLane> lanes)
    {
        long failures = lanes.Min(lane => lane.Failures);
        List<ReplayLane> reliable = [.. lanes.Where(lane => lane.Failures == failures)];
        double cost = reliable.Min(lane => lane.Cost) * EqualCost;
        List<ReplayLane> cheap = [.. reliable.Where(lane => lane.Cost <= cost)];
        ReplayLane best = cheap.MinBy(lane => (lane.Latency.Percentile(0.5), lane.Latency.Percentile(0.999), lane.Cost))!;
        return (best, cheap);
    }
}
