using Vmem.Caching;

namespace Vmem.Benchmarks.Studies;

/// <summary>How often the depot is touched, at worst.</summary>
internal readonly record struct DepotRate(int Rounds, double TouchesPerOperation);

/// <summary>The paper's worst case (§3.3): with one magazine a loop of two allocations and two frees goes to the depot on half of its
/// operations. Counted here for every fill that the two magazines of a thread can have.</summary>
internal static class DepotExperiment
{
    private const int Loops = 10_000;
    private const int LeastRounds = 15;

    public static DepotRate Run()
    {
        double worst = 0;
        for (int fill = 0; fill <= 2 * LeastRounds; fill++)
        {
            worst = Math.Max(worst, Measure(fill));
        }

        return new DepotRate(LeastRounds, worst);
    }

    private static double Measure(int fill)
    {
        var cache = new MagazineCache<ulong>(LeastRounds);
        for (ulong item = 0; item < (4 * LeastRounds) + (ulong)fill; item++)
        {
            cache.TryReturn(item);
        }

        long before = Touches(cache);
        for (int i = 0; i < Loops; i++)
        {
            ulong first = Take(cache);
            ulong second = Take(cache);
            Return(cache, first);
            Return(cache, second);
        }

        return (Touches(cache) - before) / (4.0 * Loops);
    }

    private static ulong Take(MagazineCache<ulong> cache) =>
        cache.TryTakeLoaded(ThreadNumber.Current, out ulong item) || cache.TryTake(out item) ? item : throw new InvalidOperationException("The depot was empty.");

    private static void Return(MagazineCache<ulong> cache, ulong item)
    {
        if (!cache.TryReturnLoaded(ThreadNumber.Current, item) && !cache.TryReturn(item))
        {
            throw new InvalidOperationException("The cache would not take an item back.");
        }
    }

    private static long Touches(MagazineCache<ulong> cache)
    {
        MagazineCache<ulong>.Claim([cache]);
        long touches = cache.Count().DepotTouches;
        MagazineCache<ulong>.Release([cache]);
        return touches;
    }
}
