using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Reports;

/// <summary>What follows from an answer: the option to set and what it saves, or to stay.</summary>
public sealed class ConsequenceTests
{
    private const ulong Mebibyte = 1 << 20;

    private static readonly PolicyReport s_any = ReportFixture.Create(Samples.CompilerTrace).Traces[0].Policies[0];

    [Fact]
    public void What_saves_memory_is_named_with_how_it_is_had_and_how_much_it_saves()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "This test needs Linux: LD_PRELOAD is its way.");
        PolicyReport malloc = Memory("malloc", 20);
        PolicyReport mimalloc = Memory("mimalloc", 15);
        Assert.Equal(
            "Set LD_PRELOAD=libmimalloc.so.2: that saves 5.00 MiB at the peak, 25.0 % of what malloc takes.",
            Consequence.Write(mimalloc, [mimalloc], [malloc, mimalloc]));
        PolicyReport heap = Memory("heap", 10);
        Assert.StartsWith("Use a NativeHeap (package Vmem.Memory): that saves 10.0 MiB ", Consequence.Write(heap, [heap], [heap, malloc, mimalloc]), StringComparison.Ordinal);
    }

    [Fact]
    public void What_saves_nothing_is_not_worth_a_change()
    {
        PolicyReport malloc = Memory("malloc", 20);
        PolicyReport heap = Memory("heap", 20) with { MedianNanoseconds = malloc.MedianNanoseconds - 7 };
        Assert.Equal("Nothing to gain: stay with malloc.", Consequence.Write(malloc, [malloc, heap], [malloc, heap]));
        Assert.Equal(
            "Nothing to gain: stay with malloc. In time, the heap takes 7 ns less an operation.",
            Consequence.Write(heap, [malloc, heap], [malloc, heap]));
        PolicyReport instant = Arena("instant", 20);
        Assert.Equal("Nothing to gain: stay with instant fit, an arena's default.", Consequence.Write(instant, [instant], [Arena("best", 30), instant]));
    }

    [Fact]
    public void A_policy_is_an_option_of_the_arena()
    {
        PolicyReport best = Arena("best", 15);
        Assert.Equal(
            "Set ArenaOptions.Policy = FitPolicy.BestFit: that saves 5.00 MiB at the peak, 25.0 % of what instant fit takes.",
            Consequence.Write(best, [best], [best, Arena("instant", 20)]));
        PolicyReport cached = Arena("cached first", 15) with { Failures = 1 };
        Assert.StartsWith(
            "Set ArenaOptions.Policy = FitPolicy.FirstFit: 3 allocations fail less than with cached instant fit",
            Consequence.Write(cached, [cached], [cached, Arena("cached instant", 15) with { Failures = 4 }]),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Without_what_is_usual_the_next_best_is_what_it_is_compared_with()
    {
        PolicyReport heap = Memory("heap", 15);
        PolicyReport jemalloc = Memory("jemalloc", 20);
        Assert.Equal(
            "Use a NativeHeap (package Vmem.Memory): that saves 5.00 MiB at the peak, 25.0 % of what jemalloc takes.",
            Consequence.Write(heap, [heap], [jemalloc, Memory("mimalloc", 40), heap]));
        Assert.Null(Consequence.Write(heap, [heap], [heap]));
    }

    private static PolicyReport Memory(string name, ulong mebibytes) => s_any with
    {
        Policy = name,
        Allocator = name,
        CostBytes = mebibytes * Mebibyte,
        RangeBytes = mebibytes * Mebibyte,
        MedianNanoseconds = 20,
    };

    private static PolicyReport Arena(string policy, ulong mebibytes) => Memory(policy, mebibytes) with { Allocator = "arena" };
}
