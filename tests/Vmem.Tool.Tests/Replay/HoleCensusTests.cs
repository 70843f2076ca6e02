using System.Text;
using Vmem.Tool.Replay;
using Vmem.Tool.Reports;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Tests.Replay;

/// <summary>Who causes the holes: worked out by hand.</summary>
public sealed class HoleCensusTests
{
    // Sites 1 and 2, in functions of these names.
    private const string Stacks = "v 10400 3\ns 4 prog\ns 5 keeps\ns 6 leaves\ni 10 1 2\ni 20 1 3\nt 1 0\nt 2 0\n";

    [Fact]
    public void A_hole_is_charged_to_the_object_above_it()
    {
        // [1: 0-32) [2: 32-64) [3: 64-80); 1 and 2 leave: one hole of 64 bytes, which 3 ends.
        HolesReport holes = Replay("+ 20 2 1\n+ 20 2 2\n+ 10 1 3\n- 1\n- 2\n", FitPolicy.FirstFit);
        Assert.Equal((64UL, 1L, 5L), (holes.Bytes, holes.Count, holes.Events));
        Assert.Equal([("keeps (prog)", 64UL, 1L)], holes.Pins.Select(pin => (pin.Stack[0], pin.Bytes, pin.Count)));
    }

    [Fact]
    public void Each_hole_is_charged_once_and_sites_are_added_up()
    {
        // Objects of 16 bytes at 0, 16 … 80; those at 0, 32 and 64 leave: three holes, ended by what lies at 16 (1), 48 (1) and 80 (2).
        HolesReport holes = Replay("+ 10 2 a\n+ 10 1 b\n+ 10 2 c\n+ 10 1 d\n+ 10 1 e\n+ 10 2 f\n- a\n- c\n- e\n", FitPolicy.BestFit);
        Assert.Equal((48UL, 3L), (holes.Bytes, holes.Count));
        Assert.Equal([("keeps (prog)", 32UL, 2L), ("leaves (prog)", 16UL, 1L)], holes.Pins.Select(pin => (pin.Stack[0], pin.Bytes, pin.Count)));
    }

    [Fact]
    public void Last_fit_is_seen_from_the_end_that_it_fills_first()
    {
        HolesReport holes = Replay("+ 20 2 1\n+ 10 1 3\n- 1\n", FitPolicy.LastFit);
        Assert.Equal((32UL, "keeps (prog)"), (holes.Bytes, holes.Pins.Single().Stack[0]));
    }

    [Fact]
    public void The_moment_of_the_most_holes_counts_and_not_the_end()
    {
        var text = new StringBuilder();
        for (int id = 1; id <= 1_000; id++)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"+ 10 {1 + (id % 2)} {id:x}\n");
        }

        IEnumerable<string> Frees(int odd) => Enumerable.Range(1, 1_000).Where(id => id % 2 == odd).Select(id => $"- {id:x}\n");
        text.AppendJoin("", Frees(0)).AppendJoin("", Frees(1));
        HolesReport holes = Replay(text.ToString(), FitPolicy.FirstFit);
        Assert.InRange(holes.Bytes, 8_000UL * 4 / 5 * 4 / 5, 16_000UL);
        Assert.InRange(holes.Events, 1_200, 1_900);
        Assert.Equal("leaves (prog)", holes.Pins[0].Stack[0]);
    }

    [Fact]
    public void Without_a_hole_there_is_none_and_without_stacks_nothing_is_said()
    {
        Assert.Equal((0UL, 0L), (Replay("+ 10 1 1\n", FitPolicy.FirstFit) is var none ? none.Bytes : 1, none.Count));
        using TraceReplay replay = Run("a 1 10\na 2 10\nf 1\n", new ArenaTarget(FitPolicy.FirstFit, 16, null));
        Assert.Null(ReportBuilder.Build(replay).Policies[0].Holes);
        Assert.Null(ReportBuilder.Build(replay).Holders);
    }

    private static HolesReport Replay(string events, FitPolicy policy)
    {
        using TraceReplay replay = Run(Stacks + events, new ArenaTarget(policy, 16, null));
        return ReportBuilder.Build(replay).Policies[0].Holes!;
    }

    private static TraceReplay Run(string text, IReplayTarget target)
    {
        var replay = new TraceReplay(
            TraceInput.Open(TraceInput.StandardInput, () => new MemoryStream(Encoding.ASCII.GetBytes(text))),
            [target]);
        replay.Run(TestContext.Current.CancellationToken);
        return replay;
    }
}
