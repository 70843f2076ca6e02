namespace Vmem.Memory.Tests.Isolation;

/// <summary>Sets of features, the sensible and the contradictory.</summary>
internal static class FeatureCombinations
{
    /// <summary>All subsets of the supported features.</summary>
    public static IEnumerable<MemoryContextFeatures> All
    {
        get
        {
            int supported = (int)MemoryContext.SupportedFeatures;
            return Enumerable.Range(0, supported + 1).Where(set => (set & ~supported) == 0).Select(set => (MemoryContextFeatures)set);
        }
    }

    /// <summary>Those that a context takes. Of those with an audit only three, alone, with the default and with everything: an audit keeps
    /// the stack of each call, which takes as long as all the rest of a test, and changes no byte and no place.</summary>
    public static IEnumerable<MemoryContextFeatures> Accepted =>
        All.Where(features => !AreContradictory(features))
            .Where(features => !features.HasFlag(MemoryContextFeatures.Audit) || s_audited.Contains(features));

    private static readonly MemoryContextFeatures[] s_audited =
    [
        MemoryContextFeatures.Audit,
        MemoryContextFeatures.Audit | MemoryContextFeatures.ZeroOnHandOver,
        MemoryContext.SupportedFeatures & ~MemoryContextFeatures.PoisonOnFree,
    ];

    /// <summary>A freed byte cannot be both zero and poison.</summary>
    public static bool AreContradictory(MemoryContextFeatures features) =>
        features.HasFlag(MemoryContextFeatures.ZeroOnFree | MemoryContextFeatures.PoisonOnFree);
}
