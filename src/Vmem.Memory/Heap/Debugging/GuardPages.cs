using Vmem.Memory.Platform;

namespace Vmem.Memory.Heap.Debugging;

/// <summary>How many guard pages the heaps of this process have, and that they leave mappings to others.</summary>
/// <remarks>A guard page between accessible ones makes two mappings more, and Linux allows a process 65,530 (vm.max_map_count).
/// So guard pages stop at half of what there may be (<see cref="Mappings"/>): red zones remain.
/// Rejected: to count the mappings that there are, which takes milliseconds; and to guard until the system refuses, which is too
/// late.</remarks>
internal static class GuardPages
{
    private const int MappingsEach = 2;
    private const int Share = 2;

    private static long s_count;

    /// <summary>One more, if there may be one.</summary>
    public static bool TryTake()
    {
        if (Interlocked.Increment(ref s_count) <= Mappings.Most / Share / MappingsEach)
        {
            return true;
        }

        Give(1);
        return false;
    }

    /// <summary>Fewer are there.</summary>
    public static void Give(long count) => Interlocked.Add(ref s_count, -count);
}
