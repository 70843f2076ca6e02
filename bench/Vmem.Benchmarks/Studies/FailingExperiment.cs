using Vmem.Benchmarks.Measurement;

namespace Vmem.Benchmarks.Studies;

/// <summary>Requests that fail, as everything is allocated.</summary>
internal static class FailingExperiment
{
    private const int Slots = 1_000;
    private const int CallsPerChunk = 100;

    /// <summary>Million failing requests a second of a cached arena, and of one without caches.</summary>
    public static double[] Run(int threads, int runs, double seconds)
    {
        using Arena<ulong> cached = Full(cacheMax: 1);
        using Arena<ulong> uncached = Full(cacheMax: 0);
        return Rounds.Medians(
            Rounds.InTurns(
                [cached, uncached],
                runs,
                arena =>
                {
                    CrewTimes times = Crew.Work(threads, seconds, _ => new Shift(arena));
                    return times.Chunks * CallsPerChunk * 1e3 / times.Nanoseconds;
                }),
            static rate => rate);
    }

    private static Arena<ulong> Full(ulong cacheMax)
    {
        Arena<ulong> arena = new("full", 0, Slots, 1, new ArenaOptions<ulong> { QuantumCacheMax = cacheMax });
        while (arena.TryAllocate(1, out _))
        {
        }

        return arena;
    }

    private readonly struct Shift(Arena<ulong> arena) : IShift
    {
        public void Settle() => RunChunk();

        public void RunChunk()
        {
            for (int i = 0; i < CallsPerChunk; i++)
            {
                if (arena.TryAllocate(1, out _))
                {
                    throw new InvalidOperationException("The arena must be full.");
                }
            }
        }

        public void Dispose()
        {
        }
    }
}
