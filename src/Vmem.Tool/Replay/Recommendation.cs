namespace Vmem.Tool.Replay;

/// <summary>
/// Which allocator suits the program best: the one that fails least, then needs the least address space, then is fastest. Ranges within
/// one percent count as equal (arbitrary: less than what the next run of the same program would differ by), so that a policy which saves a
/// page does not beat one that takes half the time.
/// </summary>
internal static class Recommendation
{
    private const double EqualRange = 1.01;

    /// <summary>The best lane, and those that could stand in for it: as few failures, a range within a percent.</summary>
    public static (ReplayLane Best, IReadOnlyList<ReplayLane> Rivals) Choose(IReadOnlyList<ReplayLane> lanes)
    {
        long failures = lanes.Min(lane => lane.Failures);
        List<ReplayLane> reliable = [.. lanes.Where(lane => lane.Failures == failures)];
        double range = reliable.Min(lane => lane.Range) * EqualRange;
        List<ReplayLane> small = [.. reliable.Where(lane => lane.Range <= range)];
        ReplayLane best = small.MinBy(lane => (lane.Latency.Percentile(0.5), lane.Latency.Percentile(0.999), lane.Range))!;
        return (best, small);
    }
}
