using System.Net;
using Vmem.Testing.Internals;

namespace Vmem.Net.Tests.Prefixes;

/// <summary>Allocating and claiming take steps like the logarithm of the number of prefixes.</summary>
public sealed class PrefixGrowthTests
{
    private const int Calls = 2_000;

    [Theory]
    [InlineData(FitPolicy.FirstFit)]
    [InlineData(FitPolicy.BestFit)]
    public void Calls_take_steps_like_the_logarithm(FitPolicy policy)
    {
        (long Allocate, long Claim, long Free) few = Measure(1_000, policy);
        (long Allocate, long Claim, long Free) many = Measure(30_000, policy);
        Assert.True(few.Allocate > 0, "Nothing was counted.");
        Assert.InRange(many.Allocate, 1, (3 * few.Allocate) + (20 * Calls));
        Assert.InRange(many.Claim, 1, (3 * few.Claim) + (20 * Calls));
        Assert.InRange(many.Free, 1, (3 * few.Free) + (20 * Calls));
    }

    /// <summary>The steps of the calls, all of each kind together, in a pool with so many holes among prefixes of one to sixteen
    /// addresses.</summary>
    private static (long Allocate, long Claim, long Free) Measure(int count, FitPolicy policy)
    {
        using var pool = new PrefixPool("pool", Prefix.Parse("10.0.0.0/8"), new PrefixPoolOptions { Policy = policy });
        Random random = new(1);
        List<IPNetwork> live = [];
        for (int i = 0; i < 2 * count; i++)
        {
            live.Add(pool.Allocate(28 + random.Next(5)));
        }

        for (int i = live.Count - 1; i > 0; i -= 2)
        {
            pool.Free(live[i]);
            live[i] = live[^1];
            live.RemoveAt(live.Count - 1);
        }

        // The first claims walk past everything once.
        _ = Replace(pool, live, random);
        (long, long, long) steps = Replace(pool, live, random);
        pool.Validate();
        return steps;
    }

    private static (long Allocate, long Claim, long Free) Replace(PrefixPool pool, List<IPNetwork> live, Random random)
    {
        long allocate = 0;
        long claim = 0;
        long free = 0;
        for (int i = 0; i < Calls; i++)
        {
            _ = VmemInternals.TakeSteps();
            IPNetwork given = pool.Allocate(28 + random.Next(5));
            allocate += VmemInternals.TakeSteps();
            pool.Free(given);
            free += VmemInternals.TakeSteps();
            Assert.True(pool.TryClaim(given));
            claim += VmemInternals.TakeSteps();
            int which = random.Next(live.Count);
            pool.Free(live[which]);
            live[which] = given;
        }

        return (allocate, claim, free);
    }
}
