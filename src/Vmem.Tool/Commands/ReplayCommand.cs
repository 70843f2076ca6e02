using System.CommandLine;
using System.CommandLine.Parsing;
using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Commands;

/// <summary>The command line of <c>vmem replay</c>.</summary>
internal static class ReplayCommand
{
    // malloc's grain on 64-bit systems: what the recorded program's own allocator rounded to.
    internal const ulong DefaultQuantum = 16;

    private const string Description =
        """
        Replays recordings of real programs' memory behaviour through allocators of real memory and through an arena, and says which suits the
        program best.

        A recording that ends in the middle is replayed as far as it goes. A folder stands for all recordings in it.
        A recording is what heaptrack writes (see "vmem record"), glibc's mtrace, the log of "valgrind --trace-malloc=yes", ltrace's text, or lines
        "a ID SIZE" and "f ID"; plain, .gz or .zst, or "-" for standard input.

        There are two questions, with an answer each: which allocator of memory, and which policy of addresses?
        The overhead compares across both: (memory taken, or range + bookkeeping) / what the program had asked for at its peak - 1.
        The range needed is the highest address used, counted from where the policy begins: the size of the span that the program needs.
        Times are of single operations, one in 16 or so, less the clock's own cost.

        Fragmentation (--details) is holes / (holes + live bytes), where holes are all free bytes outside the largest free segment. It costs
        addresses only at the peak. When most memory was freed, a high value only says that the free space is in several pieces.

        Of heap, malloc, mimalloc and jemalloc the blocks are written to, and what counts is the most memory that was resident: on Linux measured by replaying
        the recording once more, in a process for each.
        """;

    public static Command Create(ToolConsole console)
    {
        var arguments = new ReplayArguments();
        arguments.Traces.Validators.Add(RefuseUnknownOptions);
        var command = new Command("replay", Description)
        {
            arguments.Traces, arguments.Allocators, arguments.Policies, arguments.Quantum, arguments.Limit, arguments.CacheMax,
            arguments.Details, arguments.Json, arguments.Report, arguments.Map, arguments.Snapshot, arguments.SnapshotAt,
            arguments.NoProgress,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            ReplayRun? run = null;
            return ToolCommand.RunAsync(
                console,
                () =>
                {
                    run = new ReplayRun(arguments.Read(parsed, console), console);
                    run.Execute(cancellationToken);
                },
                cancellationToken,
                () => Volatile.Read(ref run)?.Interrupted ?? ToolCommand.NothingWritten);
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

    internal static List<FitPolicy> ParsePolicies(ArgumentResult result) =>
        ParseList<FitPolicy>(result, "--policy", PolicyNames.TryParse, PolicyNames.All.Select(PolicyNames.NameOf));

    internal static List<AllocatorKind> ParseAllocators(ArgumentResult result) =>
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

    internal static ulong ParseSize(ArgumentResult result, string option)
    {
        string text = result.Tokens[0].Value;
        if (!SizeText.TryParse(text, out ulong size) || size is 0 or > ArenaTarget.UnlimitedSpan)
        {
            result.AddError($"{option}: \"{text}\" is no size from 1 to 128T (such as 4096, 64K, 64M, 2G)");
        }

        return size;
    }
}
