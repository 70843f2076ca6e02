using Vmem.Diagnostics;
using Vmem.Memory.Pools;

namespace Vmem.Memory;

/// <summary>What there is of memory in this process, as members of <see cref="VmemProcess"/>: heaps, contexts and pools.</summary>
/// <remarks>As there: the lists are those behind the metrics, and keep nothing alive; each call makes a new one, and whoever keeps it keeps
/// what is in it. All members may be called by any thread at any time.</remarks>
public static class MemoryProcess
{
    extension(VmemProcess)
    {
        /// <summary>All heaps, ordered by name. O(n log n).</summary>
        public static IReadOnlyList<NativeHeap> Heaps =>
            [.. Present<NativeHeap>(MemoryMetrics.Heaps).OrderBy(static heap => heap.Name, StringComparer.Ordinal)];

        /// <summary>All contexts, ordered by name. O(n log n).</summary>
        public static IReadOnlyList<MemoryContext> Contexts =>
            [.. Present<MemoryContext>(MemoryMetrics.Contexts).OrderBy(static context => context.Name, StringComparer.Ordinal)];

        /// <summary>All pools of whatever type, with their figures at this moment, ordered by name. O(n log n), and O(threads) for each
        /// pool.</summary>
        public static IReadOnlyList<PoolView> Pools =>
            [.. Present<IListedPool>(MemoryMetrics.Pools).Select(static pool => pool.View)
                .OrderBy(static view => view.Name, StringComparer.Ordinal)];
    }

    private static IEnumerable<T> Present<T>(MeteredRegistry registry) => registry.Present().OfType<T>();
}
