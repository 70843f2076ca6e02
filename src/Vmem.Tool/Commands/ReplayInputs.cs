using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Commands;

/// <summary>Opens recordings for one run, and settles what each is replayed through: that depends on the recording, and on how much memory
/// there is.</summary>
internal sealed class ReplayInputs(ReplayOptions options, ToolConsole console)
{
    /// <summary>Why recordings that are replayed side by side are measured.</summary>
    public const string ForTurns = "--allocator client with several recordings reads each of them twice";

    private const string ForMemory = "how much memory a recording needs is known once it was read, so that it is read twice";

    private readonly Dictionary<string, RecordingSize> _sizes = [];

    /// <summary>How large a recording is; reads it, the first time.</summary>
    /// <param name="path">The recording.</param>
    /// <param name="why">Why it is read twice, for the message.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="UsageException">It can be read only once.</exception>
    public RecordingSize Measure(string path, string why, CancellationToken cancellationToken)
    {
        if (_sizes.TryGetValue(path, out RecordingSize size))
        {
            return size;
        }

        TraceInput input = TraceInput.Open(path, console.OpenInput);
        if (input.Length is null)
        {
            input.Dispose();
            throw new UsageException($"{why}, and {path} is no file that can be; save it to one");
        }

        ReplayProgress.Run(
            options.ShowProgress, console, [input], "counting ", () => size = RecordingSize.Of(input, cancellationToken), cancellationToken);
        _sizes.Add(path, size);
        return size;
    }

    /// <summary>Refuses what was asked for by name and has no memory here. What goes unnamed is made to fit instead, in
    /// <see cref="Open(string, ClientContext?, CancellationToken)"/>.</summary>
    /// <param name="paths">The recordings that are replayed side by side.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="IOException">There is not enough.</exception>
    public void CheckMemory(IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        List<AllocatorKind> memory = [.. options.Targets.Allocators.Where(AllocatorNames.IsMemory)];
        if (options.IsUsual || memory.Count == 0 || !paths.All(TraceInput.IsFile) || console.Memory() is not AvailableMemory available)
        {
            return;
        }

        List<RecordingSize> sizes = [.. paths.Select(path => Measure(path, ForMemory, cancellationToken))];
        var all = new RecordingSize(sizes.Sum(size => size.Events), sizes.Aggregate(0UL, (sum, size) => sum + size.PeakBytes));
        var budget = new MemoryBudget(available);
        if (budget.CountFitting(all, memory.Count) < memory.Count)
        {
            string names = string.Join(",", memory.Select(AllocatorNames.NameOf));
            throw new IOException($"{string.Join(", ", paths)}: there is not enough memory for --allocator {names}: {budget.Describe(all, memory.Count)}; name fewer, or record less");
        }
    }

    /// <summary>Opens a recording, with what it is replayed through.</summary>
    public TraceReplay Open(string path, ClientContext? context, CancellationToken cancellationToken) => Open(path, (input, reader) =>
    {
        (TargetFactory targets, IReadOnlyList<string> leftOut) = Choose(
            path, input.Length is not null, reader.Quantum is not null, cancellationToken);
        return (targets, leftOut, context);
    });

    /// <summary>Opens it once more, for an arena under one policy.</summary>
    public TraceReplay OpenFor(string path, FitPolicy policy) => Open(path, (_, _) =>
        (options.Targets with { Allocators = [AllocatorKind.Arena], Policies = [policy] }, [], null));

    private TraceReplay Open(
        string path,
        Func<TraceInput, TraceReader, (TargetFactory Targets, IReadOnlyList<string> LeftOut, ClientContext? Context)> choose)
    {
        TraceInput input = TraceInput.Open(path, console.OpenInput);
        var reader = new TraceReader(input);
        try
        {
            ulong? recorded = reader.ReadQuantum();
            ulong? own = options.NamesQuantum ? null : recorded;
            (TargetFactory targets, IReadOnlyList<string> leftOut, ClientContext? context) = choose(input, reader);
            targets = own is { } quantum ? targets with { Quantum = quantum } : targets;
            ReplayChecks.CheckTargets(targets);
            return new TraceReplay(input, reader, targets.Create(input.Name, context)) { RecordedQuantum = own, LeftOut = leftOut };
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    // Ranges of a recorded arena are no memory. What cannot be measured would stand beside what was, and look like it.
    private (TargetFactory Targets, IReadOnlyList<string> LeftOut) Choose(
        string path, bool canBeReadAgain, bool isArena, CancellationToken cancellationToken)
    {
        TargetFactory targets = options.Targets;
        int memory = targets.Allocators.Count(AllocatorNames.IsMemory);
        if (!options.IsUsual || memory == 0)
        {
            return (targets, []);
        }

        if (isArena)
        {
            return (UsualTargets.OnlyArena(targets), []);
        }

        if (!ResidentMemory.IsKnown || !canBeReadAgain)
        {
            return (UsualTargets.OnlyArena(targets), ["Allocators of real memory are left out: measuring them takes Linux, and a file that can be read again."]);
        }

        if (console.Memory() is not AvailableMemory available)
        {
            return (targets, []);
        }

        RecordingSize size = Measure(path, ForMemory, cancellationToken);
        var budget = new MemoryBudget(available);
        targets = UsualTargets.Reduce(targets, budget.CountFitting(size, memory), out IReadOnlyList<string> gone);
        return (targets, gone.Count == 0 ? [] : [$"Left out for want of memory: {string.Join(", ", gone)}. With all, {budget.Describe(size, memory)}."]);
    }
}
