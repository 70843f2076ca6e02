using System.CommandLine;
using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Commands;

/// <summary>The arguments of <c>vmem replay</c>, and how they are read.</summary>
internal sealed class ReplayArguments
{
    public Argument<string[]> Traces { get; } = new("TRACE")
    {
        Description = "The recordings; \"-\" is standard input. A folder stands for all recordings in it.",
        Arity = ArgumentArity.OneOrMore,
    };

    public Option<List<FitPolicy>> Policies { get; } = new("--policy", "-p")
    {
        Description = "Which of instant, best, next, first, last, oldest, random; several with commas. [default: the first five; beside other allocators instant and best]",
        HelpName = "LIST",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = ReplayCommand.ParsePolicies,
    };

    public Option<List<AllocatorKind>> Allocators { get; } = new("--allocator", "-a")
    {
        Description = "Which of arena, buddy, client; or, with real memory, of heap, malloc, mimalloc, jemalloc; several with commas. Several TRACEs are clients of one context, side by side. [default: heap, malloc, mimalloc and jemalloc as far as they are here, and arena; with --policy or --cache only arena]",
        HelpName = "LIST",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = ReplayCommand.ParseAllocators,
    };

    public Option<ulong> Quantum { get; } = new("--quantum", "-q")
    {
        Description = "Every size is rounded up to a multiple of this many bytes; without it the recorded arena's, where the recording tells. For buddy and client: the smallest block, a power of two.",
        HelpName = "SIZE",
        CustomParser = result => ReplayCommand.ParseSize(result, "--quantum"),
        DefaultValueFactory = _ => ReplayCommand.DefaultQuantum,
    };

    public Option<ulong?> Limit { get; } = new("--limit", "-l")
    {
        Description = "The size of the arena's span, the buddy's range, the clients' context or the heap, such as 64M. Allocations that find no room are counted and left out. [default: room for everything]",
        HelpName = "SIZE",
        CustomParser = result => (ulong?)ReplayCommand.ParseSize(result, "--limit"),
    };

    public Option<ulong> CacheMax { get; } = new("--cache", "-c")
    {
        Description = "Puts quantum caches in front of the arena for sizes up to this, at most 64 quanta. Next, oldest and random fit go without. [default: none]",
        HelpName = "SIZE",
        CustomParser = result => ReplayCommand.ParseSize(result, "--cache"),
    };

    public Option<string?> Json { get; } = new("--json")
    {
        Description = "All figures as JSON: into FILE beside the table, or without FILE to standard output in the table's place.",
        HelpName = "FILE",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public Option<string?> Report { get; } = new("--report", "-r")
    {
        Description = "Writes one self-contained HTML page: the table, maps of the address space over time, fragmentation, sizes.",
        HelpName = "FILE.html",
    };

    public Option<string?> Snapshot { get; } = new("--snapshot")
    {
        Description = "Writes the arena as it is after the last event, under the best policy, for \"vmem map\". One TRACE only.",
        HelpName = "FILE.json",
    };

    public Option<SnapshotMoment> SnapshotAt { get; } = new("--snapshot-at")
    {
        Description = "When the snapshot is taken: at the end, or at the peak, when the program had most asked for. [default: end]",
        HelpName = "end|peak",
    };

    public Option<string?> Map { get; } = new("--map", "-m")
    {
        Description = "Draws the address space over time under the best allocator, as SVG. One TRACE only.",
        HelpName = "FILE.svg",
    };

    public Option<bool> Details { get; } = new("--details", "-v") { Description = "A second table: rounding, fragmentation, throughput." };

    public Option<bool> NoProgress { get; } = new("--no-progress") { Description = "No progress bar. (There is none when standard error is no terminal.)" };

    public ReplayArguments()
    {
        SnapshotAt.AcceptOnlyFromAmong("end", "peak");
        Policies.CompletionSources.Add(ListCompletion.Of(PolicyNames.All.Select(PolicyNames.NameOf)));
        Allocators.CompletionSources.Add(ListCompletion.Of(AllocatorNames.All.Select(AllocatorNames.NameOf)));
    }

    public ReplayOptions Read(ParseResult parsed, ToolConsole console)
    {
        string? jsonFile = parsed.GetValue(Json);
        ulong? limit = parsed.GetValue(Limit);
        List<AllocatorKind>? named = parsed.GetValue(Allocators) is { Count: > 0 } list ? list : null;
        List<FitPolicy>? chosen = parsed.GetValue(Policies) is { Count: > 0 } policies ? policies : null;
        bool isUsual = named is null && chosen is null && parsed.GetValue(CacheMax) == 0;
        IReadOnlyList<AllocatorKind> allocators = named ?? (isUsual ? UsualTargets.Allocators(limit) : [AllocatorKind.Arena]);
        string[] traces = parsed.GetValue(Traces)!;
        return new ReplayOptions
        {
            Traces = traces,
            Targets = new TargetFactory
            {
                Allocators = allocators,
                Policies = chosen ?? UsualTargets.Policies(allocators),
                Quantum = parsed.GetValue(Quantum),
                Limit = limit,
                CacheMax = parsed.GetValue(CacheMax),
            },
            IsUsual = isUsual,
            IsFolder = traces.Any(Directory.Exists),
            NamesQuantum = parsed.GetResult(Quantum) is { Implicit: false },
            NamesPolicies = parsed.GetResult(Policies) is not null,
            JsonToOutput = parsed.GetResult(Json) is not null && jsonFile is null,
            JsonFile = jsonFile,
            ReportFile = parsed.GetValue(Report),
            SnapshotFile = parsed.GetValue(Snapshot),
            SnapshotAt = parsed.GetValue(SnapshotAt),
            MapFile = parsed.GetValue(Map),
            ShowDetails = parsed.GetValue(Details),
            ShowProgress = console.ErrorIsTerminal && !parsed.GetValue(NoProgress),
        };
    }
}
