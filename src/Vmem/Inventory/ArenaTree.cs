using System.Globalization;

namespace Vmem.Inventory;

/// <summary>All arenas of a process as a table, each below the one that it imports from: what illumos' ::vmem shows.</summary>
internal static class ArenaTree
{
    private const int NameWidth = 32;

    public static void Write(TextWriter writer, IReadOnlyList<ArenaView> arenas)
    {
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{arenas.Count} arenas"));
        if (arenas.Count == 0)
        {
            return;
        }

        writer.WriteLine($"{"NAME",-NameWidth}  {"IN USE",20}  {"SIZE",20}  {"LARGEST FREE",20}  {"SEGMENTS",10}  {"SUCCEED",14}  {"FAIL",8}  {"WAIT",6}");
        var below = arenas.ToDictionary(static view => view.Arena, static _ => new List<ArenaView>(), ReferenceEqualityComparer.Instance);
        List<ArenaView> roots = [];
        foreach (ArenaView view in arenas)
        {
            (view.Source is { } source && below.TryGetValue(source, out List<ArenaView>? children) ? children : roots).Add(view);
        }

        foreach (ArenaView root in roots)
        {
            Write(writer, root, below, depth: 0);
        }
    }

    /// <summary>An arena and those that import from it. A source is made before what imports from it, so there is no circle.</summary>
    private static void Write(TextWriter writer, ArenaView view, Dictionary<object, List<ArenaView>> below, int depth)
    {
        string name = new string(' ', 2 * depth) + OtherTables.NameOf(view.Name, view.Instance);
        if (view.TryGetStatistics(out ArenaStatistics<UInt128> figures))
        {
            _ = view.GetWaits(most: 0, out int waits);
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-NameWidth}  {figures.InUse,20}  {figures.TotalSize,20}  {figures.LargestFree,20}  {figures.LiveSegments,10}  {figures.Allocations,14}  {figures.Failures,8}  {waits,6}"));
        }

        foreach (ArenaView child in below[view.Arena])
        {
            Write(writer, child, below, depth + 1);
        }
    }
}
