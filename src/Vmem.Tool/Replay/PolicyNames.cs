namespace Vmem.Tool.Replay;

/// <summary>The policies as the command line names them.</summary>
internal static class PolicyNames
{
    public static IReadOnlyList<FitPolicy> All { get; } = Enum.GetValues<FitPolicy>();

    /// <summary>Those that have a column beside other allocators: an arena's default, and what packs most densely.</summary>
    public static IReadOnlyList<FitPolicy> Few { get; } = [FitPolicy.InstantFit, FitPolicy.BestFit];

    /// <summary>Those that are replayed through the arena alone if none is named: policies for IDs are no candidates for memory.</summary>
    public static IReadOnlyList<FitPolicy> Usual { get; } =
        [FitPolicy.InstantFit, FitPolicy.BestFit, FitPolicy.NextFit, FitPolicy.FirstFit, FitPolicy.LastFit];

    public static string NameOf(FitPolicy policy) => policy switch
    {
        FitPolicy.InstantFit => "instant",
        FitPolicy.BestFit => "best",
        FitPolicy.NextFit => "next",
        FitPolicy.FirstFit => "first",
        FitPolicy.LastFit => "last",
        FitPolicy.OldestFit => "oldest",
        FitPolicy.RandomFit => "random",
        _ => throw new ArgumentOutOfRangeException(nameof(policy), policy, "There is no such policy."),
    };

    public static bool TryParse(string name, out FitPolicy policy)
    {
        foreach (FitPolicy candidate in All)
        {
            if (string.Equals(NameOf(candidate), name, StringComparison.OrdinalIgnoreCase))
            {
                policy = candidate;
                return true;
            }
        }

        policy = default;
        return false;
    }
}
