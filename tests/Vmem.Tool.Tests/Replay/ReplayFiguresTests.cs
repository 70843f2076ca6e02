using Vmem.Tool.Replay;
using Vmem.Tool.Reports;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Tests.Replay;

/// <summary>The replay through the arena against the same replay through the naive allocator.</summary>
public sealed class ReplayFiguresTests
{
    private static readonly FitPolicy[] s_determined = [FitPolicy.BestFit, FitPolicy.FirstFit, FitPolicy.LastFit];

    [Theory]
    [InlineData(400, 30, 16UL, null)]
    [InlineData(5_000, 200, 16UL, null)]
    [InlineData(5_000, 200, 1UL, null)]
    [InlineData(5_000, 200, 64UL, 32_768UL)]
    [InlineData(5_000, 200, 16UL, 30_000UL)]
    public void Ranges_peaks_failures_and_fragmentation_are_those_of_a_naive_replay(int events, int live, ulong quantum, ulong? limit)
    {
        string text = Samples.Generate(events, live, seed: events + live);
        ulong span = (limit ?? ArenaTarget.UnlimitedSpan) / quantum * quantum;
        TraceReport arena = Replay(text, s_determined.Select(policy => new ArenaTarget(policy, quantum, limit)));
        TraceReport model = Replay(text, s_determined.Select(policy => new ModelTarget(policy, quantum, span)));
        foreach ((PolicyReport expected, PolicyReport actual) in model.Policies.Zip(arena.Policies))
        {
            Assert.Equal(Figures(expected), Figures(actual));
            Assert.Equal(expected.Curve.LiveBytes, actual.Curve.LiveBytes);
            Assert.Equal(expected.Curve.ExtentBytes, actual.Curve.ExtentBytes);
        }

        Assert.Equal(limit is not null, arena.Policies[0].Failures > 0);
    }

    [Fact]
    public void Figures_worked_out_by_hand()
    {
        // [1: 0-16) [2: 16-48) [3: 48-64); 2 leaves a hole of 32 of 64, into which 4 goes; 5 does not fit into what is left of it.
        TraceReport report = Replay("a 1 16\na 2 32\na 3 0\nf 2\na 4 10\na 5 17\n", [new ArenaTarget(FitPolicy.FirstFit, 16, null)]);
        PolicyReport first = report.Policies[0];
        Assert.Equal(6, first.Events);
        Assert.Equal((48UL, 48UL, 2L), (first.PeakRequestedBytes, report.PeakRequestedBytes, report.PeakEvents));
        Assert.Equal(80UL, first.PeakLiveBytes);
        Assert.Equal(96UL, first.RangeBytes);
        Assert.Equal((96.0 / 80) - 1, first.RangeOverhead, 12);
        Assert.Equal(((96.0 + first.BookkeepingBytes) / 48) - 1, first.Overhead!.Value, 12);
        Assert.Equal((80UL - 43, 80UL - 43), (first.PeakInternalWasteBytes, first.FinalInternalWasteBytes));
        Assert.Equal(0.5, first.WorstFragmentation, 12);
        Assert.Equal(16.0 / 96, first.FinalFragmentation, 12);
        Assert.Equal([16, 48, 64, 32, 48, 80], first.Curve.LiveBytes);
        Assert.Equal([16, 48, 64, 64, 64, 96], first.Curve.ExtentBytes);
        Assert.Equal(
            [(0UL, 0UL, 1L), (8, 15, 1), (16, 31, 2), (32, 63, 1)],
            report.Sizes.Select(bin => (bin.LeastBytes, bin.MostBytes, bin.Count)));
    }

    [Fact]
    public void Every_policy_replays_the_shipped_recordings_without_failure_and_close_to_the_peak()
    {
        foreach (string path in new[] { Samples.CompilerTrace, Samples.SqliteTrace })
        {
            TraceReport report = Replay(
                TraceInput.Open(path, () => Stream.Null), PolicyNames.All.Select(policy => new ArenaTarget(policy, 16, null)));
            Assert.Equal(path == Samples.CompilerTrace ? 6_260 : 469_342, report.Events);
            Assert.All(report.Policies, policy =>
            {
                Assert.Equal(0, policy.Failures);
                Assert.InRange(policy.RangeOverhead, 0, 1);
                Assert.InRange(policy.WorstFragmentation, policy.FinalFragmentation, 1);
                Assert.True(policy.BookkeepingBytes > 0);
                Assert.Equal(report.Events, policy.Events);
            });
        }
    }

    [Fact]
    public void A_recording_that_begins_late_and_misses_frees_is_put_right_and_told()
    {
        TraceReport report = Replay("v 10400 3\n- 99\n+ 10 0 1\n+ 20 0 1\n- 1\n- 1\n", [new ArenaTarget(FitPolicy.BestFit, 16, null)]);
        Assert.Equal(2, report.UnknownFrees);
        Assert.Equal(1, report.ImpliedFrees);
        Assert.Equal((2, 2), (report.Allocations, report.Frees));
        Assert.Equal(32UL, report.Policies[0].PeakLiveBytes);
        Assert.Equal(0, report.LiveAtEnd);
    }

    [Fact]
    public void What_rounding_costs_is_taken_where_the_most_is_in_use_and_at_the_end()
    {
        PolicyReport first = Replay("a 1 17\na 2 30\nf 1\na 3 5\n", [new ArenaTarget(FitPolicy.FirstFit, 16, null)]).Policies[0];
        Assert.Equal((64UL, 17UL, 13UL), (first.PeakLiveBytes, first.PeakInternalWasteBytes, first.FinalInternalWasteBytes));
    }

    [Theory]
    [InlineData("a 1 5\na 1 6\n", "live already")]
    [InlineData("a 1 5\nf 1\nf 1\n", "freed but not live")]
    public void The_own_format_names_every_object_so_that_a_mismatch_is_an_error(string text, string expected)
    {
        MalformedTraceException fault = Assert.Throws<MalformedTraceException>(() => Replay(text, []));
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.Equal(text.Count(letter => letter == '\n'), fault.Line);
    }

    [Fact]
    public void A_request_beyond_everything_is_a_failure_and_its_free_is_left_out()
    {
        TraceReport report = Replay(
            $"a 1 {ulong.MaxValue}\na 2 16\nf 1\na 3 {1UL << 47}\n", PolicyNames.All.Select(policy => new ArenaTarget(policy, 16, null)));
        Assert.All(report.Policies, policy => Assert.Equal((2L, 16UL), (policy.Failures, policy.RangeBytes)));
    }

    [Fact]
    public void Next_fit_reuses_addresses_within_the_window_it_has()
    {
        string text = string.Concat(Enumerable.Range(0, 100_000).Select(id => $"a {id} 100\nf {id}\n"));
        TraceReport report = Replay(text, [new ArenaTarget(FitPolicy.NextFit, 16, null)]);
        Assert.InRange(report.Policies[0].RangeBytes, 112UL, 64UL * 1024);
    }

    [Fact]
    public void What_is_held_is_proportional_to_the_objects_alive()
    {
        long few = TableBytes(Samples.Generate(20_000, 500, seed: 1));
        long longer = TableBytes(Samples.Generate(200_000, 500, seed: 1));
        long many = TableBytes(Samples.Generate(200_000, 16_000, seed: 1));
        Assert.Equal(few, longer);
        Assert.InRange(many, few, 16_000 * 2 * 64);
    }

    private static (ulong, ulong, double, double, double, double, long) Figures(PolicyReport policy) =>
        (policy.PeakLiveBytes, policy.RangeBytes, policy.RangeOverhead, policy.WorstFragmentation, policy.PeakFragmentation,
            policy.FinalFragmentation, policy.Failures);

    private static long TableBytes(string text)
    {
        using TraceReplay replay = Run(Open(text), [new ArenaTarget(FitPolicy.InstantFit, 16, null)]);
        return replay.TableBytes;
    }

    private static TraceReport Replay(string text, IEnumerable<IReplayTarget> targets) => Replay(Open(text), targets);

    private static TraceReport Replay(TraceInput input, IEnumerable<IReplayTarget> targets)
    {
        using TraceReplay replay = Run(input, targets);
        return ReportBuilder.Build(replay);
    }

    private static TraceReplay Run(TraceInput input, IEnumerable<IReplayTarget> targets)
    {
        var replay = new TraceReplay(input, targets);
        replay.Run(TestContext.Current.CancellationToken);
        return replay;
    }

    private static TraceInput Open(string text) =>
        TraceInput.Open(TraceInput.StandardInput, () => new MemoryStream(System.Text.Encoding.ASCII.GetBytes(text)));
}
