using Vmem.Diagnostics;

namespace Vmem.Listing;

/// <summary>Where an arena enters the list of the process. The first one brings the event source into being, so that sessions find
/// it.</summary>
internal static class ArenaList
{
    private static readonly VmemEvents s_events = VmemEvents.Log;

    /// <summary>All arenas, ordered by name and instance.</summary>
    public static IReadOnlyList<ArenaView> Views =>
        Listed.Of<ArenaView>(ArenaMetrics.Arenas, static view => view.Name, static view => view.Instance);

    public static void Add(IListed<ArenaView> arena, out MeteredEntry entry)
    {
        GC.KeepAlive(s_events);
        ArenaMetrics.Arenas.Add(arena, out entry);
    }
}
