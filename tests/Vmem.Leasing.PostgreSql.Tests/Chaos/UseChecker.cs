namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>Says which uses were wrong: after a use of a value under a fence nobody may use it under a smaller one, and nobody else under
/// the same.</summary>
internal static class UseChecker
{
    public static int CountStale(IEnumerable<Use> uses)
    {
        int stale = 0;
        foreach (IGrouping<long, Use> value in uses.GroupBy(static use => use.Value))
        {
            long fence = 0;
            Dictionary<long, long> holders = [];
            foreach (Use use in value.OrderBy(static use => use.Time))
            {
                fence = Math.Max(fence, use.Fence);
                bool isOwn = holders.TryAdd(use.Fence, use.Holder) || holders[use.Fence] == use.Holder;
                stale += use.Fence == fence && isOwn ? 0 : 1;
            }
        }

        return stale;
    }

    /// <summary>How often a value went to another holder.</summary>
    public static int CountChanges(IEnumerable<Use> uses) =>
        uses.GroupBy(static use => use.Value).Sum(static value => value.Select(static use => use.Fence).Distinct().Count() - 1);
}
