using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>How an index is built in steps, and when it is not worth its updates any more.</summary>
public sealed class StepwiseBuildTests
{
    private const uint Step = StepwiseBuild.TagsAtATime;

    [Fact]
    public void Nothing_is_covered_at_first()
    {
        StepwiseBuild build = default;
        Assert.Equal((false, false, false, 0u), (build.IsBegun, build.IsComplete, build.IsIdle, build.Frontier));
        Assert.False(build.Covers(0));
    }

    [Theory]
    [InlineData(1u, 1u)]
    [InlineData(100u, 100u)]
    [InlineData(Step, Step)]
    [InlineData(Step + 1, Step + 1)]
    [InlineData(Step + 2, Step + 1)]
    [InlineData(10 * Step, Step + 1)]
    public void The_first_step_ends_at_the_last_tag_or_after_so_many(uint highWater, uint end)
    {
        StepwiseBuild build = default;
        Assert.Equal(end, build.BeginStep(highWater));
        Assert.Equal(1u, build.Frontier);
        Cover(ref build, end);
        build.EndStep(highWater);
        Assert.Equal((true, end == highWater), (build.IsBegun, build.IsComplete));
        Assert.Equal(end == highWater, build.Covers(end));
        Assert.True(build.Covers(end - 1));
        if (end < highWater)
        {
            Assert.Equal(Math.Min(end + Step, highWater), build.BeginStep(highWater));
            Assert.Equal(end, build.Frontier);
        }
    }

    /// <summary>Tags may have gone since the last step.</summary>
    [Fact]
    public void Where_no_tag_is_left_the_next_step_completes_it()
    {
        StepwiseBuild build = default;
        Cover(ref build, build.BeginStep(10 * Step));
        build.EndStep(10 * Step);
        Assert.Equal(100u, build.BeginStep(100));
        build.EndStep(100);
        Assert.True(build.IsComplete);
    }

    [Fact]
    public void What_is_complete_is_idle_after_a_quarter_then_a_half_then_all_of_its_entries()
    {
        StepwiseBuild build = default;
        foreach (int share in (int[])[4, 2, 1, 1])
        {
            Cover(ref build, build.BeginStep(10));
            build.EndStep(10);
            build.NoteAsked(4_000);
            for (long change = 0; change < StepwiseBuild.LeastPatience + (4_000 / share); change++)
            {
                build.NoteChange();
                Assert.False(build.IsIdle);
            }

            build.NoteChange();
            Assert.True(build.IsIdle);
            build.GiveUp();
            Assert.Equal((false, false, false), (build.IsBegun, build.IsComplete, build.IsIdle));
        }
    }

    [Fact]
    public void A_part_is_idle_much_later()
    {
        StepwiseBuild build = default;
        Cover(ref build, build.BeginStep(10 * Step));
        build.EndStep(10 * Step);
        build.NoteAsked(0);
        for (long change = 0; change < StepwiseBuild.PatienceOfPart; change++)
        {
            build.NoteChange();
        }

        Assert.False(build.IsIdle);
        build.NoteChange();
        Assert.True(build.IsIdle);
    }

    private static void Cover(ref StepwiseBuild build, uint end)
    {
        while (build.Frontier < end)
        {
            build.Cover();
        }
    }
}
