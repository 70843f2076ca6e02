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
        Assert.Equal(WorstOf(100, static i => i), WorstOf(count, static i => i));
        long few = WorstOf(100, static i => 1_000_000 - i);
        long many = WorstOf(count, static i => 1_000_000 - i);
        Assert.InRange(many, few + 1, 3 * few);

        static long WorstOf(int ranges, Func<ulong, ulong> fenceOf)
        {
            using Arena<ulong> arena = new("fences", 0, (ulong)ranges, 1, new ArenaOptions<ulong> { SingleThreaded = true });
            for (int i = 0; i < ranges; i++)
            {
                _ = arena.Allocate(1);
            }

            long worst = 0;
            for (ulong i = 0; i < (ulong)ranges; i++)
            {
                _ = StepCounter.Take();
                arena.FreeAt(i, 1, fenceOf(i));
                worst = Math.Max(worst, StepCounter.Take());
            }

            return worst;
        }
    }
}
