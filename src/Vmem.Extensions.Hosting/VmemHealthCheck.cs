using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Vmem.Extensions.Hosting;

/// <summary>The arenas of the process as a health.</summary>
internal sealed class VmemHealthCheck(VmemHealthOptions options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        List<string> exhausted = [];
        List<string> unwell = [];
        Dictionary<string, object> data = [];
        IReadOnlyList<ArenaView> arenas = VmemProcess.Arenas;

        // What others import from is lent out as a whole, and says nothing of the room that they have. Nor does the arena of a context.
        HashSet<object> lenders = [.. arenas.Select(static arena => arena.Source).OfType<object>()];
        foreach (ArenaView arena in arenas)
        {
            bool isWanted = options.Arenas.Count == 0
                ? !arena.IsSingleThreaded && !lenders.Contains(arena.Arena)
                : options.Arenas.Contains(arena.Name);
            if (isWanted && arena.TryGetStatistics(out ArenaStatistics<UInt128> figures))
            {
                Look(arena, figures, arenas, exhausted, unwell);
                data[arena.Instance == 1 ? arena.Name : $"{arena.Name}#{arena.Instance}"] = $"{figures.InUse} of {figures.TotalSize} in use";
            }
        }

        unwell.AddRange(options.Arenas.Except(arenas.Select(static arena => arena.Name)).Order(StringComparer.Ordinal)
            .Select(static missing => $"There is no arena '{missing}' in the process."));
        return Task.FromResult(exhausted.Count > 0
            ? new HealthCheckResult(context.Registration.FailureStatus, string.Join(' ', exhausted.Concat(unwell)), null, data)
            : unwell.Count > 0
                ? HealthCheckResult.Degraded(string.Join(' ', unwell), null, data)
                : HealthCheckResult.Healthy("All arenas have room, and nobody waits for long.", data));
    }

    private void Look(ArenaView arena, in ArenaStatistics<UInt128> figures, IReadOnlyList<ArenaView> arenas, List<string> exhausted,
        List<string> unwell)
    {
        if (figures.TotalSize != 0 && !HasRoom(arena, figures, arenas))
        {
            if (figures.Resting > 0)
            {
                unwell.Add($"Arena '{arena.Name}' has nothing free at present: {figures.InUse} of {figures.TotalSize} is in use, and {figures.Resting} rests.");
            }
            else
            {
                // One that nobody named may be full by design, as a pool of one port is.
                (options.Arenas.Count == 0 ? unwell : exhausted).Add($"Arena '{arena.Name}' is exhausted: all of {figures.TotalSize} is in use.");
            }
        }

        if (arena.GetWaits(1, out int count) is [{ } oldest] && oldest.Age > options.WaitersOlderThan)
        {
            unwell.Add($"In arena '{arena.Name}' {count} requests wait, the oldest for {oldest.Age:c}.");
        }

        if (figures.Fragmentation > options.FragmentationAbove && figures.Free < figures.TotalSize / 2)
        {
            unwell.Add($"Arena '{arena.Name}' is fragmented: {figures.Free} is free, and no more than {figures.LargestFree} of it in one piece.");
        }
    }

    /// <summary>Whether it has anything free, or can import it. A source that is no arena of the process is taken to have some.</summary>
    private static bool HasRoom(ArenaView arena, in ArenaStatistics<UInt128> figures, IReadOnlyList<ArenaView> arenas)
    {
        if (figures.Free + figures.Cached > 0)
        {
            return true;
        }

        if (arena.Source is not { } source || (arena.Limit != 0 && figures.TotalSize >= arena.Limit))
        {
            return false;
        }

        ArenaView? lender = arenas.FirstOrDefault(one => ReferenceEquals(one.Arena, source));
        return lender is null || !lender.TryGetStatistics(out ArenaStatistics<UInt128> lent) || HasRoom(lender, lent, arenas);
    }
}
