using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Inventory;
using Vmem.Listing;

namespace Vmem;

/// <summary>What there is in this process: its arenas, buddy allocators and object caches. <c>Vmem.Memory</c> adds heaps, contexts and
/// pools.</summary>
/// <remarks>
/// <para>
/// The lists are those behind the metrics, which keep nothing alive. So being listed costs an arena nothing, and what was disposed of is
/// not listed any more. Each call makes a new list; whoever keeps it keeps what is in it.
/// </para>
/// <para>
/// All members may be called by any thread at any time. They are for people and tools that look at a program: each list is O(n log n).
/// </para>
/// </remarks>
public static class VmemProcess
{
    private static readonly Gate s_lock = new();
    private static Action<TextWriter>[] s_additions = [];          // replaced, not changed: whoever calls them needs no lock

    /// <summary>All arenas, ordered by name and instance.</summary>
    public static IReadOnlyList<ArenaView> Arenas => ArenaList.Views;

    /// <summary>All buddy allocators, ordered by name and instance. One that was dropped is listed until it has been collected.</summary>
    public static IReadOnlyList<BuddyView> Buddies =>
        Listed.Of<BuddyView>(BuddyMetrics.Allocators, static view => view.Name, static view => view.Instance);

    /// <summary>All object caches, ordered by name and instance.</summary>
    public static IReadOnlyList<ObjectCacheView> ObjectCaches =>
        Listed.Of<ObjectCacheView>(ObjectCacheMetrics.Caches, static view => view.Name, static view => view.Instance);

    /// <summary>Writes what there is as text: the arenas as a tree, each below the one that it imports from; the buddy allocators and the
    /// object caches; then what other libraries add.</summary>
    /// <param name="writer">Where to. It is called under no lock.</param>
    /// <remarks>O(n log n) in the number of arenas, whatever they hold: <see cref="Arena{T}.Dump"/> writes the segments of one.</remarks>
    public static void Dump(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArenaTree.Write(writer, Arenas);
        OtherTables.Write(writer, Buddies);
        OtherTables.Write(writer, ObjectCaches);
        foreach (Action<TextWriter> addition in Volatile.Read(ref s_additions))
        {
            addition(writer);
        }
    }

    /// <summary>Adds to the end of <see cref="Dump"/>: for a library that has something of its own to show.</summary>
    /// <param name="write">Writes it. Called by any thread, under no lock; what it throws comes through <see cref="Dump"/>.</param>
    /// <returns>Takes it out again when disposed of.</returns>
    public static IDisposable AddToDump(Action<TextWriter> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var addition = new Addition(write);
        using (s_lock.EnterScope())
        {
            s_additions = [.. s_additions, addition.Write];
        }

        return addition;
    }

    private sealed class Addition(Action<TextWriter> write) : IDisposable
    {
        public Action<TextWriter> Write { get; } = write.Invoke;   // one of its own: the same may be added twice

        public void Dispose()
        {
            using (s_lock.EnterScope())
            {
                s_additions = [.. s_additions.Where(addition => !ReferenceEquals(addition, Write))];
            }
        }
    }
}
