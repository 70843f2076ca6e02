using Vmem.Checks;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Buddy;

/// <summary>How the counted steps (levels passed, rows of marks) grow with the number of live blocks.</summary>
public class BuddyGrowthTests
{
    [Fact]
    public void Steps_stay_within_a_constant_whatever_is_live()
    {
        (double few, long worstOfFew) = Measure(10_000);
        (double many, long worstOfMany) = Measure(Night.Scaled(1_000_000));

        // A bounded number of levels and rows, whatever is live. Where more is live more of them change: 6.9 and 9.0 steps were counted.
        Assert.True(many < few * 1.5, $"{few:F2} steps a pair at 10^4, {many:F2} at 10^6");
        Assert.True(many < 12, $"{many:F2} steps a pair at 10^6");
        Assert.True(worstOfMany <= 48, $"one pair took {worstOfMany} steps (at 10^4: {worstOfFew})");
    }

    [Fact]
    public void A_split_through_all_levels_takes_a_step_a_level()
    {
        BuddyAllocator<ulong> allocator = new(0, 1 << 24, 1, 1 << 24);
        _ = StepCounter.Take();
        ulong start = allocator.Allocate(1);
        long down = StepCounter.Take();
        allocator.Free(start);
        long up = StepCounter.Take();
        Assert.Equal(5, down);
        Assert.InRange(up, 4, 5);
    }

    private static (double Average, long Worst) Measure(int live)
    {
        const int pairs = 20_000;
        SeededRandom random = new(5);
        BuddyAllocator<ulong> allocator = new(0, 1 << 24, 1, 1 << 24, new BuddyAllocatorOptions { SingleThreaded = true });
        var starts = new ulong[live];
        for (int i = 0; i < live; i++)
        {
            starts[i] = allocator.Allocate((ulong)(1 + random.Below(8)));
        }

        for (int i = 0; i < live; i++)
        {
            Replace();
        }

        long steps = 0;
        long worst = 0;
        for (int i = 0; i < pairs; i++)
        {
            _ = StepCounter.Take();
            Replace();
            long taken = StepCounter.Take();
            steps += taken;
            worst = Math.Max(worst, taken);
        }

        allocator.Validate();
        return ((double)steps / pairs, worst);

        void Replace()
        {
            ref ulong start = ref starts[random.Below(live)];
            allocator.Free(start);
            start = allocator.Allocate((ulong)(1 + random.Below(8)));
        }
    }
}
