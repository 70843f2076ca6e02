using Vmem.Caching;
using Xunit;

namespace Vmem.Tests.Caching;

public class WorkingSetTests
{
    /// <summary>The paper, §3.6: a list that varies between 37 and 47 has a working set of 10, and 37 can go.</summary>
    [Fact]
    public void Of_a_list_that_varies_between_37_and_47_magazines_37_can_go()
    {
        WorkingSet set = new();
        set.Tick(47);
        Vary(ref set);
        Assert.Equal(0, set.Reapable);
        set.Tick(47);
        Vary(ref set);
        Assert.Equal(37, set.Reapable);
    }

    [Fact]
    public void What_this_interval_has_needed_cannot_go_though_the_last_one_did_not_need_it()
    {
        WorkingSet set = new();
        set.Tick(47);
        set.Tick(47);
        set.Note(5);
        set.Note(40);
        Assert.Equal(5, set.Reapable);
    }

    [Fact]
    public void Nothing_can_go_before_an_interval_is_over()
    {
        WorkingSet set = new();
        set.Note(10);
        Assert.Equal(0, set.Reapable);
        set.Tick(10);
        Assert.Equal(0, set.Reapable);
    }

    private static void Vary(ref WorkingSet set)
    {
        foreach (int count in new[] { 47, 41, 37, 44, 47 })
        {
            set.Note(count);
        }
    }
}
