using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Measurement;

namespace Vmem.Benchmarks.Studies;

/// <summary>Cached pairs, alone and while a request stands that they cannot help.</summary>
internal static class StandingExperiment
{
    private const ulong Units = 1 << 16;
    private const ulong Size = 8;
    private const int Pairs = 1_000;
    private const int CallsPerSample = 100;
    private const int SamplesPerRun = 40;

    /// <summary>ns a pair: alone, and beside the request.</summary>
    public static (double Alone, double Beside) Run(int runs)
    {
        using var alone = new Arena<ulong>("alone", 0, Units, 1, new ArenaOptions<ulong> { QuantumCacheMax = Size });
        using var beside = new Arena<ulong>("beside", 0, Units, 1, new ArenaOptions<ulong> { QuantumCacheMax = Size });
        using var end = new CancellationTokenSource();
        ulong middle = beside.AllocateConstrained(1, new RangeConstraints<ulong> { Min = Units / 2 });
        Task<ulong> standing = beside.AllocateAsync(Units - 1, end.Token).AsTask();
        double[][] samples = Rounds.InTurns([alone, beside], runs * SamplesPerRun, Sample, WarmUp);
        if (standing.IsCompleted)
        {
            throw new InvalidOperationException("The request must stand.");
        }

        end.Cancel();
        beside.FreeConstrained(middle, 1);
        return (Rounds.Median(samples[0]), Rounds.Median(samples[1]));
    }

    private static void WarmUp(Arena<ulong> arena)
    {
        for (int i = 0; i < SamplesPerRun; i++)
        {
            _ = Sample(arena);
        }
    }

    private static double Sample(Arena<ulong> arena)
    {
        long begin = Stopwatch.GetTimestamp();
        for (int call = 0; call < CallsPerSample; call++)
        {
            _ = RunPairs(arena);
        }

        return Clock.NanosecondsSince(begin) / (Pairs * CallsPerSample);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong RunPairs(Arena<ulong> arena)
    {
        ulong sum = 0;
        for (int i = 0; i < Pairs; i++)
        {
            ulong start = arena.Allocate(Size);
            sum += start;
            arena.Free(start, Size);
        }

        return sum;
    }
}
