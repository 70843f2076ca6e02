using System.Globalization;

namespace Vmem.Inventory;

/// <summary>The tables of what is no arena. Nothing is written where there is none.</summary>
internal static class OtherTables
{
    public static void Write(TextWriter writer, IReadOnlyList<BuddyView> buddies)
    {
        if (buddies.Count == 0)
        {
            return;
        }

        writer.WriteLine();
        writer.WriteLine($"{"BUDDY ALLOCATOR",-32}  {"IN USE",20}  {"SIZE",20}  {"LARGEST FREE",20}  {"BLOCKS",10}  {"SUCCEED",14}  {"FAIL",8}");
        foreach (BuddyView view in buddies)
        {
            BuddyStatistics<UInt128> figures = view.GetStatistics();
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{NameOf(view.Name, view.Instance),-32}  {figures.InUse,20}  {figures.TotalSize,20}  {figures.LargestFree,20}  {figures.LiveBlocks,10}  {figures.Allocations,14}  {figures.Failures,8}"));
        }
    }

    public static void Write(TextWriter writer, IReadOnlyList<ObjectCacheView> caches)
    {
        if (caches.Count == 0)
        {
            return;
        }

        writer.WriteLine();
        writer.WriteLine($"{"OBJECT CACHE",-32}  {"RENTED",12}  {"CACHED",12}  {"CONSTRUCTED",14}  {"RENTS",20}");
        foreach (ObjectCacheView view in caches)
        {
            ObjectCacheStatistics figures = view.GetStatistics();
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{NameOf(view.Name, view.Instance),-32}  {figures.Rented,12}  {figures.Cached,12}  {figures.Constructed,14}  {figures.Rents,20}"));
        }
    }

    /// <summary>A name, with its number if it is not the first of its kind.</summary>
    public static string NameOf(string name, int instance) =>
        instance == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{name} #{instance}");
}
