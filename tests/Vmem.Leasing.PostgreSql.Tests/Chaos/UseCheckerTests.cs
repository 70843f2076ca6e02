namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

public sealed class UseCheckerTests
{
    private static readonly Use s_first = new(First: 10, Last: 20, Count: 3, Fence: 1, Value: 7, Holder: 1);

    public static TheoryData<string, long, long, long, long, int> Others => new()
    {
        { "after it, under a larger fence", 21, 30, 2, 2, 0 },
        { "before it, under a smaller fence", 1, 9, 0, 2, 0 },
        { "before it ended, under a larger fence", 19, 30, 2, 2, 1 },
        { "within it, under a larger fence", 12, 13, 2, 2, 1 },
        { "after it, under a smaller fence", 21, 30, 0, 2, 1 },
        { "before and after it, under a smaller fence", 1, 30, 0, 2, 1 },
        { "after it, under the same fence", 21, 30, 1, 2, 1 },
        { "its own again", 21, 30, 1, 1, 0 },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public void A_second_use_of_a_value_is_judged(string name, long first, long last, long fence, long holder, int stale)
    {
        Use other = new(first, last, 2, fence, s_first.Value, holder);
        Assert.True(UseChecker.CountStale([s_first, other]) == stale, name);
        Assert.True(UseChecker.CountStale([other, s_first]) == stale, name);
        Assert.Equal(0, UseChecker.CountStale([s_first, other with { Value = 8 }]));
        Assert.Equal(5, UseChecker.CountUses([s_first, other]));
    }
}
