namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>Says which holders were wrong: after a use of a value under a fence nobody may use it under a smaller one, and nobody else
/// under the same.</summary>
internal static class UseChecker
{
    /// <summary>How many leases of a value were used when they were stale.</summary>
    public static int CountStale(IEnumerable<Use> uses)
    {
        int stale = 0;
        foreach (IGrouping<long, Use> value in uses.GroupBy(static use => use.Value))
        {
            long overtaken = long.MaxValue;                // when a larger fence was used for the first time
            foreach (IGrouping<long, Use> fence in value.GroupBy(static use => use.Fence).OrderByDescending(static fence => fence.Key))
            {
                Use first = fence.MinBy(static use => use.First);
                stale += fence.Count(use => use.Last > overtaken || use.Holder != first.Holder);
                overtaken = Math.Min(overtaken, first.First);
            }
        }

        return stale;
    }

    /// <summary>How often a value was used, all together.</summary>
    public static long CountUses(IEnumerable<Use> uses) => uses.Sum(static use => use.Count);

    /// <summary>How often a value went to another holder.</summary>
    public static int CountChanges(IEnumerable<Use> uses) =>
        uses.GroupBy(static use => use.Value).Sum(static value => value.Select(static use => use.Fence).Distinct().Count() - 1);
}
