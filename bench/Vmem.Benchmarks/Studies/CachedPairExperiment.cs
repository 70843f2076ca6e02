using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Baselines;
using Vmem.Benchmarks.Measurement;

namespace Vmem.Benchmarks.Studies;

/// <summary>ns a pair of each subject; "two" is per allocation and free, of two at a time.</summary>
internal sealed record CachedPairTimes(
    double BareHoisted,
    double Bare,
    double Cached,
    double CachedTry,
    double CachedTwo,
    double Trusting,
    double Uncached);

/// <summary>Allocate and free at once, a hundred thousand times a sample; the subjects take turns, and the median of all samples
/// counts.</summary>
/// <remarks>Each subject has its own loop, or the JIT would compile one loop for the profile of the subject that happened to come
/// first; and the cached ones come first, as a program that uses caches calls them all the time.</remarks>
internal sealed class CachedPairExperiment(int runs)
{
    private const int Pairs = 1_000;              // a call, so that calls are many and the JIT's last tier comes soon
    private const int CallsPerSample = 100;
    private const int SamplesPerRun = 40;
    private const ulong Size = 8;

    public CachedPairTimes Run()
    {
        using var cached = new Arena<ulong>("cached", 0, 1 << 30, 1, new ArenaOptions<ulong> { QuantumCacheMax = Size });
        var trust = new ArenaOptions<ulong> { QuantumCacheMax = Size, TrustCaller = true };
        using var trusting = new Arena<ulong>("trusting", 0, 1 << 30, 1, trust);
        using var uncached = new Arena<ulong>("uncached", 0, 1 << 30, 1);
        var bare = new BareCache(Size);
        Func<ulong>[] subjects =
        [
            () => RunCached(cached, Size), () => RunCachedTry(cached, Size), () => RunCachedTwo(cached, Size), RunBareHoisted,
            () => RunBare(bare, Size), () => RunUncached(uncached, Size), () => RunTrusting(trusting, Size),
        ];
        double[][] samples = Rounds.InTurns(subjects, runs * SamplesPerRun, Sample, WarmUp);
        double[] medians = [.. samples.Select(Rounds.Median)];
        return new CachedPairTimes(medians[3], medians[4], medians[0], medians[1], medians[2], medians[6], medians[5]);
    }

    private static void WarmUp(Func<ulong> subject)
    {
        for (int i = 0; i < SamplesPerRun; i++)
        {
            _ = Sample(subject);
        }
    }

    private static double Sample(Func<ulong> subject)
    {
        long begin = Stopwatch.GetTimestamp();
        for (int call = 0; call < CallsPerSample; call++)
        {
            _ = subject();
        }

        return Clock.NanosecondsSince(begin) / (Pairs * CallsPerSample);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong RunBareHoisted()
    {
        ulong sum = 0;
        for (int i = 0; i < Pairs; i++)
        {
            ulong item = BareStack.Pop();
            sum += item;
            BareStack.Push(item);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong RunBare(BareCache cache, ulong size)
    {
        ulong sum = 0;
        for (int i = 0; i < Pairs; i++)
        {
            ulong item = cache.Pop(size);
            sum += item;
            cache.Push(item, size);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong RunCached(Arena<ulong> arena, ulong size)
    {
        ulong sum = 0;
        for (int i = 0; i < Pairs; i++)
        {
            ulong start = arena.Allocate(size);
            sum += start;
            arena.Free(start, size);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong RunCachedTry(Arena<ulong> arena, ulong size)
    {
        ulong sum = 0;
        for (int i = 0; i < Pairs; i++)
        {
            _ = arena.TryAllocate(size, out ulong start);
            sum += start;
            arena.Free(start, size);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong RunCachedTwo(Arena<ulong> arena, ulong size)
    {
        ulong sum = 0;
        for (int i = 0; i < Pairs / 2; i++)
        {
            ulong first = arena.Allocate(size);
            ulong second = arena.Allocate(size);
            sum += first;
            arena.Free(first, size);
            arena.Free(second, size);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong RunTrusting(Arena<ulong> arena, ulong size)
    {
        ulong sum = 0;
        for (int i = 0; i < Pairs; i++)
        {
            ulong start = arena.Allocate(size);
            sum += start;
            arena.Free(start, size);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong RunUncached(Arena<ulong> arena, ulong size)
    {
        ulong sum = 0;
        for (int i = 0; i < Pairs; i++)
        {
            ulong start = arena.Allocate(size);
            sum += start;
            arena.Free(start, size);
        }

        return sum;
    }
}
