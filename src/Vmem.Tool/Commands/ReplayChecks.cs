using System.Numerics;
using Vmem.Tool.Blocks;
using Vmem.Tool.Files;
using Vmem.Tool.Replay;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Commands;

/// <summary>What can be wrong with a command line although each option of it is right.</summary>
internal static class ReplayChecks
{
    private const ulong MaxCachedQuanta = 64;

    // A context has a byte for each smallest block, in one array.
    private const ulong MaxContextUnits = int.MaxValue - 64 * 1024;

    /// <exception cref="UsageException">Something is.</exception>
    /// <exception cref="IOException">An output has no folder to be in.</exception>
    public static void Check(ReplayOptions options)
    {
        if (options.Traces.Concat(options.OutputPaths).Any(path => path.Length == 0))
        {
            throw new UsageException("an empty name is no file's");
        }

        CheckTargets(options.Targets);
        CheckAllocators(options);
        CheckInputs(options);
        CheckOutputs(options);
    }

    /// <summary>The part that depends on the quantum, which may be a recording's own.</summary>
    /// <exception cref="UsageException">Something is wrong.</exception>
    public static void CheckTargets(TargetFactory targets)
    {
        if (targets.Quantum == 0)
        {
            throw new UsageException("--quantum: 0 is no unit");
        }

        foreach (AllocatorKind allocator in (ReadOnlySpan<AllocatorKind>)[AllocatorKind.Buddy, AllocatorKind.Client])
        {
            if (targets.Uses(allocator) && !BitOperations.IsPow2(targets.Quantum))
            {
                throw new UsageException(
                    $"--allocator {(allocator == AllocatorKind.Buddy ? "buddy" : "client")}: the smallest block is the quantum, and {targets.Quantum} is not a power of two");
            }
        }

        if (targets.Limit < targets.Quantum)
        {
            throw new UsageException($"--limit: {targets.Limit} is less than the quantum, {targets.Quantum}: nothing could be allocated");
        }

        if (targets.Uses(AllocatorKind.Buddy) && targets.Limit >> BuddyTarget.MaxOrder >= targets.Quantum)
        {
            throw new UsageException(
                $"--allocator buddy: {targets.Limit} bytes are more than 2^{BuddyTarget.MaxOrder} smallest blocks of {targets.Quantum}; choose a larger --quantum, or a smaller --limit");
        }

        if (targets.CacheMax > MaxCachedQuanta * targets.Quantum)
        {
            throw new UsageException($"--cache: caches keep sizes of at most {MaxCachedQuanta} quanta, {MaxCachedQuanta * targets.Quantum} bytes, and {targets.CacheMax} is more");
        }
    }

    private static void CheckAllocators(ReplayOptions options)
    {
        TargetFactory targets = options.Targets;
        if (!targets.Uses(AllocatorKind.Arena))
        {
            string others = string.Join(",", targets.Allocators.Select(AllocatorNames.NameOf));
            RefuseWithoutArena(options.NamesPolicies, "--policy", "says how an arena places");
            RefuseWithoutArena(targets.CacheMax > 0, "--cache", "puts caches in front of an arena");
            RefuseWithoutArena(options.SnapshotFile is not null, "--snapshot", "is the picture of an arena");
            RefuseWithoutArena(options.MapFile is not null && targets.Allocators.All(AllocatorNames.IsMemory), "--map", "draws an allocator's own addresses");

            void RefuseWithoutArena(bool given, string option, string why)
            {
                if (given)
                {
                    throw new UsageException($"{option} {why}, and --allocator {others} names none; add it: --allocator arena,{others}");
                }
            }
        }

        if (targets.Limit is not null && targets.Allocators.Any(AllocatorNames.IsMalloc))
        {
            throw new UsageException($"--limit: {AllocatorNames.NameOf(targets.Allocators.First(AllocatorNames.IsMalloc))} knows no limit; leave out one of the two");
        }

        foreach (AllocatorKind allocator in targets.Allocators.Where(AllocatorNames.IsMemory))
        {
            if (BlockAllocators.WhyAbsent(allocator) is string why)
            {
                throw new UsageException($"--allocator: {why}");
            }
        }

        if (targets.Uses(AllocatorKind.Client))
        {
            CheckContext(targets.Quantum, targets.Limit);
        }
    }

    private static void CheckContext(ulong quantum, ulong? limit)
    {
        ulong size = limit ?? ClientContext.UsualSize;
        if (quantum < ClientContext.LeastAlignment)
        {
            throw new UsageException($"--allocator client: a client's blocks start at multiples of at least {ClientContext.LeastAlignment} bytes, and --quantum is {quantum}");
        }

        if (quantum > ClientContext.MostAlignment)
        {
            throw new UsageException($"--allocator client: a client's blocks start at multiples of at most {ClientContext.MostAlignment} bytes, and --quantum is {quantum}");
        }

        if (size < ClientContext.LeastSize(quantum))
        {
            throw new UsageException($"--allocator client: a context has at least {ClientContext.LeastSize(quantum)} bytes at a quantum of {quantum}, and {size} are fewer");
        }

        if (size / quantum > MaxContextUnits)
        {
            throw new UsageException(
                $"--allocator client: a context has at most {MaxContextUnits} smallest blocks, and {size} bytes are more at a quantum of {quantum}; choose a larger --quantum, or a smaller --limit");
        }
    }

    private static void CheckInputs(ReplayOptions options)
    {
        if (options.SnapshotFile is not null && options.Traces.Count > 1)
        {
            throw new UsageException("--snapshot goes with one TRACE only: it is the picture of one arena");
        }

        if (options.SnapshotAt == SnapshotMoment.Peak)
        {
            CheckPeak(options);
        }

        if (options.MapFile is not null && options.Traces.Count > 1)
        {
            throw new UsageException("--map goes with one TRACE only: it is the picture of one replay");
        }

        int fromInput = options.Traces.Count(path => path == TraceInput.StandardInput);
        if (fromInput > 1)
        {
            throw new UsageException("standard input (\"-\") can be read only once");
        }

        if (fromInput > 0 && options.AreInterleaved)
        {
            throw new UsageException(
                "--allocator client with several recordings reads each of them twice, and standard input (\"-\") can be read only once; save it to a file");
        }
    }

    private static void CheckPeak(ReplayOptions options)
    {
        if (options.SnapshotFile is null)
        {
            throw new UsageException("--snapshot-at says when --snapshot is taken, and there is no --snapshot");
        }

        if (options.Traces.Contains(TraceInput.StandardInput))
        {
            throw new UsageException("--snapshot-at peak reads the recording twice, and standard input (\"-\") can be read only once; save it to a file");
        }
    }

    private static void CheckOutputs(ReplayOptions options)
    {
        List<string> outputs = [.. options.OutputPaths.Select(OutputFiles.PlaceOf)];
        if (outputs.Distinct().Count() < outputs.Count)
        {
            throw new UsageException("two outputs would go to the same file");
        }

        // A replay can take minutes, and only then would they be written.
        foreach (string output in options.OutputPaths.Where(static path => !Directory.Exists(FolderOf(path))))
        {
            throw new IOException($"{output}: cannot be written (there is no folder {FolderOf(output)})");
        }

        // "--json TRACE" takes the recording for the file to write: without this check it would be overwritten.
        foreach (string trace in options.Traces.Where(trace => outputs.Contains(OutputFiles.PlaceOf(trace))))
        {
            throw new UsageException($"{trace} is to be read and to be written");
        }

        if (options.JsonFile is not null && FileKinds.Of(options.JsonFile) == FileKind.File && !LooksLikeJson(options.JsonFile))
        {
            throw new UsageException(
                $"--json: {options.JsonFile} exists and holds no JSON, it is not overwritten (a TRACE goes before --json, or after --json=FILE)");
        }
    }

    private static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path)) ?? path;

    private static bool LooksLikeJson(string path)
    {
        using FileStream file = File.OpenRead(path);
        return file.ReadByte() is '{' or -1;
    }
}
