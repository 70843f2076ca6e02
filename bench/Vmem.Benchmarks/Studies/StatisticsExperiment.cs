using System.Diagnostics;
using Vmem.Benchmarks.Measurement;

namespace Vmem.Benchmarks.Studies;

/// <summary>How long the figures of a cached arena take while threads allocate and free.</summary>
internal static class StatisticsExperiment
{
    private const ulong Largest = 8;
    private const int PairsPerChunk = 100;

    /// <summary>Microseconds a call: median, 99 %, most.</summary>
    public static (double Median, double P99, double Most) Run(int threads, double seconds)
    {
        using var arena = new Arena<ulong>("busy", 0, 1 << 24, 1, new ArenaOptions<ulong> { QuantumCacheMax = Largest });
        var calls = new List<double>();
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        var looker = new Thread(() =>
        {
            while (!end.IsCancellationRequested)
            {
                long begin = Stopwatch.GetTimestamp();
                _ = arena.GetStatistics();
                calls.Add(Clock.NanosecondsSince(begin) / 1e3);
                Thread.Sleep(1);
            }
        })
        { IsBackground = true };
        looker.Start();
        _ = Crew.Work(threads, seconds, _ => new Shift(arena));
        looker.Join();
        double[] sorted = [.. calls.Order()];
        return (sorted[sorted.Length / 2], sorted[sorted.Length * 99 / 100], sorted[^1]);
    }

    private readonly struct Shift(Arena<ulong> arena) : IShift
    {
        public void Settle() => RunChunk();

        public void RunChunk()
        {
            for (int i = 0; i < PairsPerChunk; i++)
            {
                ulong size = 1 + ((ulong)i % Largest);
                arena.Free(arena.Allocate(size), size);
            }
        }

        public void Dispose()
        {
        }
    }
}
