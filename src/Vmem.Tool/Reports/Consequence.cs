using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Reports;

/// <summary>What follows from an answer: what to set and what it saves, or that there is nothing to gain.</summary>
internal static class Consequence
{
    /// <param name="best">What suits the program best.</param>
    /// <param name="rivals">What needs the same, the best among them.</param>
    /// <param name="all">All that were compared.</param>
    /// <returns>Null where there is nothing to compare with.</returns>
    public static string? Write(PolicyReport best, IReadOnlyList<PolicyReport> rivals, IReadOnlyList<PolicyReport> all)
    {
        if (all.Count == 1)
        {
            return null;
        }

        PolicyReport? usual = all.FirstOrDefault(IsUsual);
        if (usual is null)
        {
            PolicyReport next = all.Where(policy => policy != best).MinBy(policy => (policy.Failures, policy.CostBytes))!;
            return $"{Set(best)}: {Gain(best, next, rivals.Contains(next))}.";
        }

        if (!rivals.Contains(usual))
        {
            return $"{Set(best)}: {Gain(best, usual, isEqual: false)}.";
        }

        string stay = $"Nothing to gain: stay with {usual.Title}{(usual.IsArena ? ", an arena's default" : string.Empty)}.";
        long faster = usual.MedianNanoseconds - best.MedianNanoseconds;
        return faster <= 0 ? stay : $"{stay} In time, {best.Title} takes {Units.Nanoseconds(faster)} less an operation.";
    }

    /// <summary>What a program has that chose nothing.</summary>
    private static bool IsUsual(PolicyReport policy) =>
        policy.Allocator == AllocatorNames.NameOf(AllocatorKind.Malloc) || (policy.IsArena && PolicyOf(policy) == FitPolicy.InstantFit);

    private static string Gain(PolicyReport best, PolicyReport other, bool isEqual)
    {
        if (best.Failures < other.Failures)
        {
            long fewer = other.Failures - best.Failures;
            return $"{Units.Count(fewer)} allocation{(fewer == 1 ? " fails" : "s fail")} less than with {other.Title}";
        }

        if (isEqual)
        {
            long faster = other.MedianNanoseconds - best.MedianNanoseconds;
            return faster <= 0
                ? $"it needs no more than {other.Title}, and is as fast"
                : $"it needs no more than {other.Title}, and takes {Units.Nanoseconds(faster)} less an operation";
        }

        ulong saved = other.CostBytes - best.CostBytes;
        return $"that saves {Units.Amount(saved, best.CountsBytes)} at the peak, {Units.Percent((double)saved / other.CostBytes)} of what {other.Title} takes";
    }

    private static string Set(PolicyReport policy)
    {
        if (!AllocatorNames.TryParse(policy.Allocator, out AllocatorKind allocator))
        {
            return $"Use {policy.Title}";
        }

        return allocator switch
        {
            AllocatorKind.Arena => $"Set ArenaOptions.Policy = FitPolicy.{PolicyOf(policy)}",
            AllocatorKind.Buddy => "Use a BuddyAllocator<T>",
            AllocatorKind.Client => "Use a MemoryClient of a MemoryContext (package Vmem.Memory)",
            AllocatorKind.Heap => "Use a NativeHeap (package Vmem.Memory)",
            _ when OperatingSystem.IsLinux() && BlockAllocators.LibraryOf(allocator) is string library => $"Set LD_PRELOAD={library}",
            _ => $"Use {policy.Title}",
        };
    }

    // "cached best" is best fit behind caches.
    private static FitPolicy? PolicyOf(PolicyReport policy) =>
        PolicyNames.TryParse(policy.Policy.Split(' ')[^1], out FitPolicy fit) ? fit : null;
}
