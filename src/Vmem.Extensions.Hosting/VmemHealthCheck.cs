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
                Look(arena, figures, exhausted, unwell);
                data[arena.Instance == 1 ? arena.Name : $"{arena.Name}#{arena.Instance}"] = $"{figures.InUse} of {figures.TotalSize} in use";
            }
        }

        return Task.FromResult(exhausted.Count > 0
            ? new HealthCheckResult(context.Registration.FailureStatus, string.Join(' ', exhausted.Concat(unwell)), null, data)
            : unwell.Count > 0
                ? HealthCheckResult.Degraded(string.Join(' ', unwell), null, data)
                : HealthCheckResult.Healthy("All arenas have room, and nobody waits for long.", data));
    }

    private void Look(ArenaView arena, in ArenaStatistics<UInt128> figures, List<string> exhausted, List<string> unwell)
    {
        bool canGrow = arena.Source is not null && (arena.Limit == 0 || figures.TotalSize < arena.Limit);
        if (figures.TotalSize != 0 && figures.Free + figures.Cached == 0 && !canGrow)
        {
            exhausted.Add($"Arena '{arena.Name}' is exhausted: all of {figures.TotalSize} is in use.");
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
}
