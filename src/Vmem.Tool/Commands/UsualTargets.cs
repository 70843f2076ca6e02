using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Commands;

/// <summary>What recordings are replayed through if the user names nothing.</summary>
internal static class UsualTargets
{
    private static readonly AllocatorKind[] s_memory =
        [AllocatorKind.Heap, AllocatorKind.Malloc, AllocatorKind.Mimalloc, AllocatorKind.Jemalloc];

    /// <summary>Real memory, as far as it is on this machine, and the arena.</summary>
    /// <param name="limit">With one there are no mallocs: they know none.</param>
    public static IReadOnlyList<AllocatorKind> Allocators(ulong? limit) =>
    [
        .. s_memory.Where(kind => (limit is null || !AllocatorNames.IsMalloc(kind)) && BlockAllocators.WhyAbsent(kind) is null),
        AllocatorKind.Arena,
    ];

    /// <summary>How the arena places: in the two ways that are worth a column beside others, or in all that are for memory.</summary>
    public static IReadOnlyList<FitPolicy> Policies(IReadOnlyList<AllocatorKind> allocators) =>
        allocators is [AllocatorKind.Arena] ? PolicyNames.Usual : PolicyNames.Few;

    /// <summary>The arena alone.</summary>
    public static TargetFactory OnlyArena(TargetFactory targets)
    {
        AllocatorKind[] arena = [AllocatorKind.Arena];
        return targets with { Allocators = arena, Policies = Policies(arena) };
    }

    /// <summary>Without the last of those of real memory, until so many are left.</summary>
    /// <param name="targets">What is replayed through.</param>
    /// <param name="count">How many of real memory may stay.</param>
    /// <param name="leftOut">The names of the others.</param>
    public static TargetFactory Reduce(TargetFactory targets, int count, out IReadOnlyList<string> leftOut)
    {
        List<AllocatorKind> gone = [.. targets.Allocators.Where(AllocatorNames.IsMemory).Skip(count)];
        leftOut = [.. gone.Select(AllocatorNames.NameOf)];
        return gone.Count == 0 ? targets
            : count == 0 ? OnlyArena(targets)
            : targets with { Allocators = [.. targets.Allocators.Except(gone)] };
    }
}
