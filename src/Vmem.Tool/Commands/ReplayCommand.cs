using System.CommandLine;
using System.CommandLine.Parsing;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Commands;

/// <summary>The command line of <c>vmem replay</c>.</summary>
internal static class ReplayCommand
{
    // malloc's grain on 64-bit systems: what the recorded program's own allocator rounded to.
    private const ulong DefaultQuantum = 16;

    private const string Description =
        """
        Replays recordings of real programs' memory behaviour through an arena under each policy, or through other allocators, and says which suits the
        program best.

        A recording is what "heaptrack --raw" writes, glibc's mtrace, or lines "a ID SIZE" and "f ID"; plain, .gz, or "-" for standard input.

        Fragmentation is holes / (holes + live bytes), where holes are all free bytes outside the largest free segment. (The span is
        so large by default that its untouched rest is always the largest free segment; "1 - largest / free" would say nothing.)
        Address range is the highest address used, counted from where the policy begins: the size of the span that the program needs.
        Times are of single operations, one in 16 or so, less the clock's own cost.

        Of heap, malloc, mimalloc and jemalloc the blocks are written to, and what counts is the most memory that was resident: on Linux measured by replaying
        the recording once more, in a process for each.
        """;

    public static Command Create(ToolConsole console)
    {
        var traces = new Argument<string[]>("TRACE")
        {
            Description = "The recordings; \"-\" is standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        traces.Validators.Add(RefuseUnknownOptions);
        var policies = new Option<List<FitPolicy>>("--policy", "-p")
        {
            Description = "Which of instant, best, next, first, last; several with commas. [default: all]",
            HelpName = "LIST",
            Arity = ArgumentArity.OneOrMore,
            CustomParser = ParsePolicies,
        };
        var allocators = new Option<List<AllocatorKind>>("--allocator", "-a")
        {
            Description = "Which of arena, buddy, client; or, with real memory, of heap, malloc, mimalloc, jemalloc; several with commas. Several TRACEs are clients of one context, side by side. [default: arena]",
            HelpName = "LIST",
            Arity = ArgumentArity.OneOrMore,
            CustomParser = ParseAllocators,
        };
        var quantum = new Option<ulong>("--quantum", "-q")
        {
            Description = "Every size is rounded up to a multiple of this many bytes, a power of two. For buddy and client: the smallest block.",
            HelpName = "SIZE",
            CustomParser = result => ParseSize(result, "--quantum"),
            DefaultValueFactory = _ => DefaultQuantum,
        };
        var limit = new Option<ulong?>("--limit", "-l")
        {
            Description = "The size of the arena's span, the buddy's range, the clients' context or the heap, such as 64M. Allocations that find no room are counted and left out. [default: room for everything]",
            HelpName = "SIZE",
            CustomParser = result => (ulong?)ParseSize(result, "--limit"),
        };
        var cacheMax = new Option<ulong>("--cache", "-c")
        {
            Description = "Puts quantum caches in front of the arena for sizes up to this, at most 64 quanta. Next fit goes without. [default: none]",
            HelpName = "SIZE",
            CustomParser = result => ParseSize(result, "--cache"),
        };
        var json = new Option<string?>("--json")
        {
            Description = "All figures as JSON: into FILE beside the table, or without FILE to standard output in the table's place.",
            HelpName = "FILE",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var report = new Option<string?>("--report", "-r")
        {
            Description = "Writes one self-contained HTML page: the table, maps of the address space over time, fragmentation, sizes.",
            HelpName = "FILE.html",
        };
        var snapshot = new Option<string?>("--snapshot")
        {
            Description = "Writes the arena as it is after the last event, under the best policy, for \"vmem map\". One TRACE only.",
            HelpName = "FILE.json",
        };
        var noProgress = new Option<bool>("--no-progress") { Description = "No progress bar. (There is none when standard error is no terminal.)" };
        var command = new Command("replay", Description) { traces, allocators, policies, quantum, limit, cacheMax, json, report, snapshot, noProgress };
        command.SetAction((parsed, cancellationToken) =>
        {
            string? jsonFile = parsed.GetValue(json);
            var options = new ReplayOptions
            {
                Traces = parsed.GetValue(traces)!,
                Targets = new TargetFactory
                {
                    Allocators = parsed.GetValue(allocators) is { Count: > 0 } named ? named : [AllocatorKind.Arena],
                    Policies = parsed.GetValue(policies) is { Count: > 0 } chosen ? chosen : PolicyNames.All,
                    Quantum = parsed.GetValue(quantum),
                    Limit = parsed.GetValue(limit),
                    CacheMax = parsed.GetValue(cacheMax),
                },
                NamesPolicies = parsed.GetResult(policies) is not null,
                JsonToOutput = parsed.GetResult(json) is not null && jsonFile is null,
                JsonFile = jsonFile,
                ReportFile = parsed.GetValue(report),
                SnapshotFile = parsed.GetValue(snapshot),
                ShowProgress = console.ErrorIsTerminal && !parsed.GetValue(noProgress),
            };
            return ToolCommand.RunAsync(console, () => new ReplayRun(options, console).Execute(cancellationToken), cancellationToken);
        });
        return command;
    }

    // Else a mistyped option would be a recording that is not there.
    private static void RefuseUnknownOptions(ArgumentResult result)
    {
        foreach (string value in result.Tokens.Select(token => token.Value).Where(value => value.Length > 1 && value[0] == '-'))
        {
            result.AddError($"there is no option {value} (a file of this name is ./{value})");
        }
    }

    private static List<FitPolicy> ParsePolicies(ArgumentResult result) =>
        ParseList<FitPolicy>(result, "--policy", PolicyNames.TryParse, PolicyNames.All.Select(PolicyNames.NameOf));

    private static List<AllocatorKind> ParseAllocators(ArgumentResult result) =>
        ParseList<AllocatorKind>(result, "--allocator", AllocatorNames.TryParse, AllocatorNames.All.Select(AllocatorNames.NameOf));

    private delegate bool NameParser<T>(string name, out T value);

    private static List<T> ParseList<T>(ArgumentResult result, string option, NameParser<T> tryParse, IEnumerable<string> names)
    {
        var values = new List<T>();
        foreach (string name in result.Tokens.SelectMany(token => token.Value.Split(',')))
        {
            if (!tryParse(name.Trim(), out T value))
            {
                result.AddError($"{option}: \"{name}\" is none of {string.Join(", ", names)}");
            }
            else if (!values.Contains(value))
            {
                values.Add(value);
            }
        }

        return values;
    }

    private static ulong ParseSize(ArgumentResult result, string option)
    {
        string text = result.Tokens[0].Value;
        if (!SizeText.TryParse(text, out ulong size) || size is 0 or > ArenaTarget.UnlimitedSpan)
        {
            result.AddError($"{option}: \"{text}\" is no size from 1 to 128T (such as 4096, 64K, 64M, 2G)");
        }

        return size;
    }
}
