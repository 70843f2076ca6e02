using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Commands;

/// <summary>The hidden command by which a replay has a process of its own measured for each allocator of real memory: both of its
/// ends.</summary>
internal static class ResidentCommand
{
    private const string Name = "measure-resident";

    // More than the rehearsal holds at once.
    private const ulong RehearsalLimit = 256 << 20;

    public static Command Create(ToolConsole console)
    {
        var allocator = new Argument<string>("ALLOCATOR");
        var trace = new Argument<string>("TRACE");
        var limit = new Argument<ulong>("LIMIT");
        var command = new Command(Name) { allocator, trace, limit };
        command.Hidden = true;
        command.SetAction((parsed, cancellationToken) => ToolCommand.RunAsync(
            console,
            () => console.Output
                .WriteLine(Measure(parsed.GetRequiredValue(allocator), parsed.GetRequiredValue(trace), parsed.GetValue(limit))),
            cancellationToken));
        return command;
    }

    /// <summary>Null where it cannot be measured: not on Linux.</summary>
    /// <param name="console">Says how the tool is started.</param>
    /// <param name="allocator">What is measured.</param>
    /// <param name="trace">A recording that can be read once more.</param>
    /// <param name="limit">The allocator's; null: none.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <exception cref="ProcessEndedException">The process was ended from outside.</exception>
    /// <exception cref="IOException">The process failed.</exception>
    public static ResidentFigures? Start(
        ToolConsole console,
        AllocatorKind allocator,
        string trace,
        ulong? limit,
        CancellationToken cancellationToken)
    {
        if (!ResidentMemory.IsKnown)
        {
            return null;
        }

        var start = new ProcessStartInfo(console.Self[0]) { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
            [.. console.Self.Skip(1), Name, AllocatorNames.NameOf(allocator), trace, (limit ?? 0).ToString(CultureInfo.InvariantCulture)];
        Array.ForEach(arguments, start.ArgumentList.Add);
        // The runtime's own threads shall not take memory meanwhile: nothing is compiled twice, nothing collected in the background.
        start.Environment["DOTNET_TieredCompilation"] = "0";
        start.Environment["DOTNET_gcConcurrent"] = "0";
        using Process process = Process.Start(start)!;
        using CancellationTokenRegistration killing = cancellationToken.Register(process.Kill);
        Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        cancellationToken.ThrowIfCancellationRequested();
        if (process.ExitCode == ExitCodes.Killed)
        {
            throw new ProcessEndedException($"the process that measures {AllocatorNames.NameOf(allocator)} was ended from outside, perhaps by the system for want of memory; leave {AllocatorNames.NameOf(allocator)} out of --allocator");
        }

        return process.ExitCode == ExitCodes.Success && ResidentFigures.TryParse(output, out ResidentFigures? figures)
            ? figures
            : throw new IOException($"the process that measures {AllocatorNames.NameOf(allocator)} failed ({process.ExitCode}): {error.Result.Trim()}");
    }

    private static ResidentFigures Measure(string name, string trace, ulong limit)
    {
        if (!AllocatorNames.TryParse(name, out AllocatorKind kind) || !AllocatorNames.IsMemory(kind))
        {
            throw new UsageException($"{name} hands out no memory");
        }

        if (BlockAllocators.WhyAbsent(kind) is string why)
        {
            throw new UsageException(why);
        }

        BeFirstToGo();
        using TraceInput input = TraceInput.Open(trace, static () => Stream.Null);
        var probe = new ResidentProbe(input);
        using BlockAllocator rehearsed = BlockAllocators.Create(kind, RehearsalLimit);
        using BlockAllocator allocator = BlockAllocators.Create(kind, limit == 0 ? null : limit);
        return probe.Run(rehearsed, allocator);
    }

    /// <summary>Where memory runs out, the system ends the process with the highest score. It shall be this one, and no program of the
    /// user's.</summary>
    private static void BeFirstToGo()
    {
        const string Score = "/proc/self/oom_score_adj";
        const string Highest = "1000";
        try
        {
            File.WriteAllText(Score, Highest);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // A system that does not let its order be changed keeps its own.
        }
    }
}
