using System.Globalization;

namespace Vmem.Benchmarks.Subjects;

/// <summary>What a caller keeps of a range: its address and size, or a handle.</summary>
internal enum FreeBy
{
    Address,
    Handle,
}

/// <summary>Who keeps threads apart.</summary>
internal enum Locking
{
    /// <summary>Nobody: <see cref="ArenaOptions{T}.SingleThreaded"/>.</summary>
    Single,

    /// <summary>The arena's own lock, the default.</summary>
    Locked,

    /// <summary>A <see cref="Lock"/> of the caller's around a single-threaded arena.</summary>
    Outer,
}

/// <summary>One line of a study's table: an arena with its policy, its way to free and its lock, or (<see cref="Policy"/> null) the
/// baseline list.</summary>
internal sealed record Subject(FitPolicy? Policy, FreeBy By = FreeBy.Address, Locking Locking = Locking.Single) : ISubject
{
    public static Subject Baseline { get; } = new((FitPolicy?)null);

    public bool IsBaseline => Policy is null;

    /// <summary>The name in tables, on the command line of a child process, and in the JSON file.</summary>
    public string Key => Policy is { } policy
        ? string.Create(CultureInfo.InvariantCulture, $"{PolicyName(policy)}/{By}/{Locking}").ToLowerInvariant()
        : "rmalloc";

    public static string PolicyName(FitPolicy policy) => policy switch
    {
        FitPolicy.InstantFit => "instant",
        FitPolicy.BestFit => "best",
        FitPolicy.NextFit => "next",
        FitPolicy.FirstFit => "first",
        FitPolicy.LastFit => "last",
        FitPolicy.OldestFit => "oldest",
        FitPolicy.RandomFit => "random",
        _ => throw new ArgumentOutOfRangeException(nameof(policy), policy, null),
    };

    public static bool TryParsePolicy(string name, out FitPolicy policy)
    {
        foreach (FitPolicy candidate in Enum.GetValues<FitPolicy>())
        {
            if (name.Equals(PolicyName(candidate), StringComparison.OrdinalIgnoreCase)
                || name.Equals(candidate.ToString(), StringComparison.OrdinalIgnoreCase))
            {
                policy = candidate;
                return true;
            }
        }
        policy = default;
        return false;
    }

    /// <summary>The reverse of <see cref="Key"/>.</summary>
    public static Subject Parse(string key)
    {
        if (key == Baseline.Key)
        {
            return Baseline;
        }
        string[] parts = key.Split('/');
        return parts.Length == 3
            && TryParsePolicy(parts[0], out FitPolicy policy)
            && Enum.TryParse(parts[1], ignoreCase: true, out FreeBy by)
            && Enum.TryParse(parts[2], ignoreCase: true, out Locking locking)
            ? new Subject(policy, by, locking)
            : throw new ArgumentException($"'{key}' names no subject; an example of one is '{new Subject(FitPolicy.InstantFit).Key}'.", nameof(key));
    }

    /// <summary>Runs an experiment on this subject, compiled for its target.</summary>
    public TResult Run<TResult>(IExperiment<TResult> experiment) => this switch
    {
        { Policy: null } => experiment.Run<ListTarget, AddressTicket>(capacity => new ListTarget(capacity)),
        { Locking: Locking.Outer } => experiment.Run<ArenaInLock, AddressTicket>(capacity => new ArenaInLock(MakeArena(capacity))),
        { By: FreeBy.Handle } => experiment.Run<ArenaByHandle, RangeHandle<ulong>>(capacity => new ArenaByHandle(MakeArena(capacity))),
        _ => experiment.Run<ArenaByAddress, AddressTicket>(capacity => new ArenaByAddress(MakeArena(capacity))),
    };

    private Arena<ulong> MakeArena(ulong capacity)
        => new("bench", 0, capacity, 1, new ArenaOptions<ulong> { Policy = Policy!.Value, SingleThreaded = Locking != Locking.Locked });
}
