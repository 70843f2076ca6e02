using System.Diagnostics;

namespace Vmem.Benchmarks.Studies;

/// <summary>A request that fails in an arena, beside idle arenas above the same source.</summary>
internal static class SiblingsExperiment
{
    private const int Calls = 200;                // arbitrary

    /// <summary>Microseconds a failing call, the median of some.</summary>
    /// <param name="siblings">How many idle arenas there are.</param>
    /// <param name="cacheMax">Their caches; 0: none.</param>
    /// <param name="keeps">Whether each keeps an import that nobody uses as the call begins.</param>
    public static double Run(int siblings, uint cacheMax, bool keeps)
    {
        using Arena<uint> pool = new("pool", 0, (uint)siblings * 65, 1);
        ArenaOptions<uint> options = new() { Source = pool, QuantumCacheMax = cacheMax };
        Arena<uint>[] idle = [.. Enumerable.Range(0, siblings).Select(_ => new Arena<uint>("idle", 1, options))];
        using Arena<uint> poor = new("poor", 1, new ArenaOptions<uint> { Source = pool });
        Array.ForEach(idle, static arena => arena.Allocate(1));
        double[] times = [.. Enumerable.Range(0, Calls).Select(_ => Time(idle, poor, keeps)).Order()];
        Array.ForEach(idle, static arena => arena.Dispose());
        return times[Calls / 2];
    }

    private static double Time(Arena<uint>[] idle, Arena<uint> poor, bool keeps)
    {
        foreach (Arena<uint> arena in keeps ? idle : [])
        {
            if (arena.TryAllocate(64, out uint start))
            {
                arena.Free(start, 64);
            }
        }

        long began = Stopwatch.GetTimestamp();
        if (poor.TryAllocate(1_000_000, out _))
        {
            throw new InvalidOperationException("Nothing is so large.");
        }

        return Stopwatch.GetElapsedTime(began).TotalMicroseconds;
    }
}
