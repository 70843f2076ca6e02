using Vmem.Checks;
using Xunit;

namespace Vmem.Tests.Resting;

/// <summary>What a free that rests costs, in counted steps.</summary>
public sealed class RestGrowthTests
{
    /// <summary>Fences in order cost nothing more however many there are, others the logarithm.</summary>
    [Fact]
    public void A_fence_out_of_order_costs_the_logarithm_and_one_in_order_nothing()
    {
        const int count = 100_000;
        double few = MeanOf(100, static i => i);
        Assert.InRange(MeanOf(count, static i => i), 0, few + 2);           // starts are hashed: not all have as many probes
        Assert.InRange(MeanOf(100, static i => 1_000_000 - i), few + 1, few + 6);
        Assert.InRange(MeanOf(count, static i => 1_000_000 - i), few + 4, few + 12);        // nine levels of four

        static double MeanOf(int ranges, Func<ulong, ulong> fenceOf)
        {
            using Arena<ulong> arena = new("fences", 0, (ulong)ranges, 1, new ArenaOptions<ulong> { SingleThreaded = true });
            for (int i = 0; i < ranges; i++)
            {
                _ = arena.Allocate(1);
            }

            _ = StepCounter.Take();
            for (ulong i = 0; i < (ulong)ranges; i++)
            {
                arena.FreeAt(i, 1, fenceOf(i));
            }

            return StepCounter.Take() / (double)ranges;
        }
    }
}
