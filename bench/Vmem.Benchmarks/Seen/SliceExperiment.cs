using Vmem.Benchmarks.Measurement;

namespace Vmem.Benchmarks.Seen;

/// <summary>How long a map of an arena keeps the arena's lock: each step takes it once.</summary>
internal static class SliceExperiment
{
    private const int Step = 256;                 // what is walked under one lock
    private const int EachTime = 20_000;          // what the live page walks at each interval
    private const int Columns = 64;
    private const int WarmUps = 3;                // until what is measured is compiled for good

    /// <summary>Microseconds of the thread's processor time for a step: median, 99.9 %, most; and for all steps of an interval.</summary>
    public static (double Median, double P999, double Most, double Interval) Run(ArenaView arena)
    {
        ArenaMap map = arena.CreateMap(Columns)!;
        for (int i = 0; i < WarmUps; i++)
        {
            while (!map.Update(Step))
            {
            }

            Rounds.LetCompile();
        }

        List<double> steps = [];
        bool isComplete = false;
        while (!isComplete)
        {
            long begin = ThreadClock.Now();
            isComplete = map.Update(Step);
            steps.Add((ThreadClock.Now() - begin) / 1e3);
        }

        double[] intervals = new double[Math.Clamp(steps.Count * Step / EachTime, 1, 100)];
        for (int i = 0; i < intervals.Length; i++)
        {
            long begin = ThreadClock.Now();
            _ = map.Update(EachTime);
            intervals[i] = (ThreadClock.Now() - begin) / 1e3;
        }

        double[] sorted = [.. steps.Order()];
        return (sorted[sorted.Length / 2], sorted[sorted.Length * 999 / 1_000], sorted[^1], Rounds.Median(intervals));
    }

    /// <summary>The same for the figures of the arena, which take the lock once: median and most.</summary>
    public static (double Median, double Most) RunFigures(ArenaView arena)
    {
        for (int i = 0; i < WarmUps * 1_000; i++)
        {
            _ = arena.TryGetStatistics(out _);
        }

        Rounds.LetCompile();
        double[] calls = new double[10_000];
        for (int i = 0; i < calls.Length; i++)
        {
            long begin = ThreadClock.Now();
            _ = arena.TryGetStatistics(out _);
            calls[i] = (ThreadClock.Now() - begin) / 1e3;
        }

        return (Rounds.Median(calls), calls.Max());
    }
}
