namespace Vmem.Architecture.Tests;

/// <summary>Which folder of a project may use which: all rules stand here.</summary>
/// <remarks>
/// A folder may use the folders behind its arrow, and what those may use. Nothing else: no arrow leads up or sideways, so there is no
/// circle. A folder of src/Shared is compiled into several projects and counts as that project's folder of the same name, except where a
/// line below names it.
/// </remarks>
internal sealed class Plan
{
    public static readonly IReadOnlyList<Plan> All =
    [
        new("Vmem", """
            Ranges         ->
            Checks         ->
            Timing         ->
            Lifetimes      ->
            Shared/Caching -> Checks, Timing, Lifetimes
            Diagnostics    -> Ranges, Checks, Lifetimes
            Listing        -> Diagnostics
            Recording      -> Ranges, Checks
            Platform       ->
            Segments       -> Ranges, Checks, Platform
            Resting        -> Segments, Timing, Lifetimes
            Lending        -> Ranges, Checks
            Space          -> Resting, Listing, Recording, Lending
            Importing      -> Space
            Caching        -> Space, Shared/Caching
            Waiting        -> Space, Timing
            Buddy          -> Listing, Lending
            Arena          -> Importing, Caching, Waiting
            Inventory      -> Arena, Buddy
            """),
        new("Vmem.Memory", """
            Ranges         ->
            Checks         ->
            Timing         ->
            Lifetimes      ->
            Caching        -> Checks, Timing, Lifetimes
            Diagnostics    -> Checks, Lifetimes
            Buddy          -> Checks
            Platform       -> Ranges, Checks
            Poisoning      -> Checks
            Callbacks      -> Checks
            Budget         -> Caching
            Window         -> Platform, Budget
            Heap           -> Window, Poisoning, Callbacks, Diagnostics
            Isolation      -> Platform, Poisoning, Callbacks, Buddy, Diagnostics, Budget
            Pools          -> Heap
            Listing        -> Pools, Isolation
            """),
        new("Vmem.Leasing", """
            Ranges      ->
            Checks      ->
            Timing      ->
            Lifetimes   ->
            Caching     -> Checks, Timing, Lifetimes
            Diagnostics -> Checks, Lifetimes
            Buddy       -> Checks
            Platform    -> Ranges, Checks
            Protocol    ->
            Stores      ->
            Memory      -> Stores, Protocol, Checks
            Metering    -> Stores, Diagnostics
            Sessions    -> Stores, Protocol, Metering, Timing
            Journals    -> Stores, Checks, Platform
            Arenas      -> Sessions, Journals
            Workers     -> Sessions
            """),
        new("Vmem.Leasing.Sqlite", """
            Sql       ->
            Processes ->
            Schema    -> Sql
            Machine   -> Sql, Processes
            Commits   -> Machine, Schema
            Stores    -> Commits
            """),
        new("Vmem.Net", """
            Addresses ->
            Prefixes  -> Addresses
            Ports     ->
            """),
        new("Vmem.Vulkan", """
            Ranges      ->
            Checks      ->
            Timing      ->
            Lifetimes   ->
            Caching     -> Checks, Timing, Lifetimes
            Diagnostics -> Checks, Lifetimes
            Buddy       -> Checks
            Platform    -> Ranges, Checks
            Calls       -> Checks
            Choosing    ->
            Reports     ->
            Frames      -> Calls, Checks
            Blocks      -> Calls, Choosing, Checks
            Memory      -> Blocks, Frames, Reports
            Staging     -> Memory
            Moving      -> Memory
            """),
        new("Vmem.AspNetCore", """
            Pools ->
            Pages ->
            """),
        new("Vmem.Tool", """
            Files          ->
            Leases         -> Files
            Traces         -> Files
            Blocks         ->
            Replay         -> Traces, Blocks
            Reports        -> Replay
            Processes      -> Reports
            Commands       -> Processes, Leases
            """),
    ];

    private readonly Dictionary<string, string[]> _below = new(StringComparer.Ordinal);

    public Plan(string project, string lines)
    {
        Project = project;
        foreach (string line in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] sides = line.Split("->");
            _below.Add(sides[0].Trim(), sides[1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        }
    }

    public string Project { get; }

    public IEnumerable<string> Folders => _below.Keys;

    public IEnumerable<(string From, string To)> Arrows => _below.SelectMany(line => line.Value.Select(below => (line.Key, below)));

    public static Plan Of(string project) => All.Single(plan => plan.Project == project);

    /// <summary>The name that the plan has for a folder.</summary>
    public string NameOf(string folder) => _below.ContainsKey(folder) ? folder : folder.Replace("Shared/", "", StringComparison.Ordinal);

    public bool Allows(string from, string to) => from == to || _below.GetValueOrDefault(from, []).Any(below => Allows(below, to));
}
