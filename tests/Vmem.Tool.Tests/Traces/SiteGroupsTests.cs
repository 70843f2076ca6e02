using Vmem.Tool.Commands;
using Vmem.Tool.Reports;
using Vmem.Tool.Tests.Reports;
using Vmem.Tool.Traces;
using static Vmem.Tool.Tests.Traces.TraceText;

namespace Vmem.Tool.Tests.Traces;

/// <summary>Which stacks count as the same.</summary>
public sealed class SiteGroupsTests
{
    // Strings: 1 prog, 2 malloc, 3 make, 4 call, 5 main, 6 a.c. Code: 1 malloc, 2 and 3 make (two calls, no line), 4 and 5 call (lines 1,
    // 2), 6 main.
    private const string Stacks =
        "v 10400 3\ns 4 prog\ns 6 malloc\ns 4 make\ns 4 call\ns 4 main\ns 3 a.c\ni 1 1 2\ni 2 1 3\ni 3 1 3\ni 4 1 4 6 1\ni 5 1 4 6 2\ni 6 1 5\n";

    [Fact]
    public void Two_calls_in_one_function_are_one_unless_their_lines_are_known()
    {
        // main - call:1 - make(a) - malloc; the same by make(b); the same by call:2.
        using TraceReader reader = Read("t 6 0\nt 4 1\nt 2 2\nt 1 3\nt 3 2\nt 1 5\nt 5 1\nt 2 7\nt 1 8\n");
        var groups = new SiteGroups(reader.Stacks);
        groups.Add(new SiteShare(4) { Bytes = 10, Count = 1 });
        groups.Add(new SiteShare(6) { Bytes = 20, Count = 2 });
        groups.Add(new SiteShare(9) { Bytes = 5, Count = 1 });
        IReadOnlyList<SiteGroup> top = groups.Top(10);
        Assert.Equal([(30UL, 3L), (5UL, 1L)], top.Select(group => (group.Bytes, group.Count)));
        Assert.Equal(["make (prog)", "call (a.c:1)", "main (prog)"], top[0].Stack);
        Assert.Equal("call (a.c:2)", top[1].Stack[1]);
    }

    [Fact]
    public void Stacks_that_differ_far_out_are_one()
    {
        // Seven times main, then malloc; and eight times.
        using TraceReader reader = Read("t 6 0\nt 6 1\nt 6 2\nt 6 3\nt 6 4\nt 6 5\nt 6 6\nt 1 7\nt 6 7\nt 1 9\n");
        var groups = new SiteGroups(reader.Stacks);
        groups.Add(new SiteShare(8) { Bytes = 1, Count = 1 });
        groups.Add(new SiteShare(10) { Bytes = 2, Count = 1 });
        Assert.Equal([(3UL, 2L)], groups.Top(10).Select(group => (group.Bytes, group.Count)));
        Assert.Equal(SiteGroups.Depth, groups.Top(1)[0].Stack.Count);
    }

    [Fact]
    public void The_unknown_site_has_no_stack_and_the_top_is_cut_off()
    {
        using TraceReader reader = Read("t 6 0\n");
        var groups = new SiteGroups(reader.Stacks);
        groups.Add(new SiteShare(0) { Bytes = 7, Count = 1 });
        groups.Add(new SiteShare(1) { Bytes = 3, Count = 1 });
        Assert.Empty(groups.Top(1).Single().Stack);
        Assert.Equal([7UL, 3UL], groups.Top(2).Select(group => group.Bytes));
    }

    [Fact]
    public void On_the_terminal_a_stack_has_as_many_frames_as_tell_it_from_the_others()
    {
        SiteGroup[] holders = [new(["a", "b", "c", "d", "e"], 3, 1), new(["a", "b", "c", "d", "f"], 2, 1), new(["x", "b", "c", "d", "e"], 1, 1)];
        using var output = new StringWriter();
        TraceReport trace = ReportFixture.Create(Samples.CompilerTrace).Traces[0] with { Holders = holders, Policies = [] };
        SiteTables.Write(Terminals.Create(output, isTerminal: false), trace);
        Assert.Contains("a ← b ← c ← d ← e ", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("a ← b ← c ← d ← f ", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("x ← b ← c ", output.ToString(), StringComparison.Ordinal);
    }

    private static TraceReader Read(string sites)
    {
        TraceReader reader = Open(Stacks + sites + "+ 8 1 1\n");
        _ = ReadAll(reader);
        return reader;
    }
}
