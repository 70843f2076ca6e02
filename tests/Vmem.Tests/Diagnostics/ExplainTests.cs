using Xunit;

namespace Vmem.Tests.Diagnostics;

public class ExplainTests
{
    [Fact]
    public void Each_failure_has_its_name()
    {
        using Arena<uint> arena = new("why", 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        Assert.Equal(FitFailure.NoSpan, arena.Explain(1).Failure);
        arena.AddSpan(0, 100);
        Assert.Equal(FitFailure.LargerThanAnySpan, arena.Explain(101).Failure);
        arena.Allocate(60);
        Assert.Equal(FitFailure.NotEnoughFree, arena.Explain(41).Failure);
        arena.Allocate(10);
        arena.Free(0, 60);
        Assert.Equal(FitFailure.Fragmented, arena.Explain(61).Failure);
        Assert.Equal(FitFailure.Constraints, arena.Explain(20, new() { Align = 64, Phase = 63 }).Failure);
        Assert.Equal(FitFailure.None, arena.Explain(20, new() { Align = 64 }).Failure);
    }

    [Fact]
    public void The_figures_are_those_of_the_arena()
    {
        using Arena<uint> arena = new("why", 0, 128, 8, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        arena.Allocate(8);
        arena.Allocate(40);
        arena.Allocate(8);
        arena.Free(8, 40);
        FitReport<uint> report = arena.Explain(33, new() { Align = 64 });
        Assert.Equal(
            new FitReport<uint>
            {
                Start = 64,
                Size = 40,
                Failure = FitFailure.None,
                Free = 112,
                LargestFree = 72,
                LargestSpan = 128,
                LongEnough = 2,
            },
            report);
        Assert.True(report.Fits);
        Assert.Equal("40 fits at 64.", report.ToString());
    }

    [Fact]
    public void The_exhausted_exception_says_why()
    {
        using Arena<uint> arena = new("why", 0, 64, 8);
        arena.Allocate(32);
        ArenaExhaustedException exhausted = Assert.Throws<ArenaExhaustedException>(() => arena.Allocate(33));
        Assert.Equal(
            ((UInt128)40, (UInt128)32, (UInt128)32, FitFailure.NotEnoughFree),
            (exhausted.Requested, exhausted.Free, exhausted.LargestFree, exhausted.Failure));
        Assert.Contains("'why'", exhausted.Message, StringComparison.Ordinal);
        Assert.Equal(
            FitFailure.Constraints,
            Assert.Throws<ArenaExhaustedException>(() => arena.AllocateConstrained(8, new() { Max = 4 })).Failure);
    }
}
