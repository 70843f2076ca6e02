namespace Vmem.Benchmarks.Studies;

/// <summary>How often the depot is touched, at worst.</summary>
internal readonly record struct DepotRate(int Rounds, double TouchesPerOperation);

/// <summary>The paper's worst case (§3.3): with one magazine a loop of two allocations and two frees goes to the depot on half of its
/// operations. Counted here in an object cache, for every fill that the two magazines of a thread can have.</summary>
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
        var options = new ObjectCacheOptions { LeastRounds = LeastRounds, MostRounds = LeastRounds };
        using ObjectCache<object> cache = new("bench", static () => new object(), options: options);
        object[] items = new object[(4 * LeastRounds) + fill];
        for (int i = 0; i < items.Length; i++)
        {
            items[i] = cache.Rent();
        }

        foreach (object item in items)
        {
            cache.Return(item);
        }

        ObjectCacheStatistics before = cache.GetStatistics();
        for (int i = 0; i < Loops; i++)
        {
            object first = cache.Rent();
            object second = cache.Rent();
            cache.Return(first);
            cache.Return(second);
        }

        ObjectCacheStatistics after = cache.GetStatistics();
        return after.Constructed == before.Constructed
            ? (after.DepotTouches - before.DepotTouches) / (4.0 * Loops)
            : throw new InvalidOperationException("The depot was empty.");
    }
}
