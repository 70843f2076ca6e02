using System.Text.Json;
using Vmem.Tool.Commands;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Commands;

/// <summary>The command as its user meets it: outputs, errors, exit codes.</summary>
public sealed class ReplayCommandTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_arenas_table_has_a_column_a_policy_and_a_last_line_in_plain_words()
    {
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, "-a", "arena");
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.All(["instant", "best", "next", "first", "last"], policy => Assert.Matches($@"│\s+{policy} [^\n]*│\n├", run.Output));
        Assert.All(Figure.Answer([], isLimited: false), figure => Assert.Contains(figure.Label, run.Output, StringComparison.Ordinal));
        Assert.Contains("suits this program best", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("failures", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("ragmentation", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Address policies:", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Details_are_a_second_table_that_says_what_fragmentation_means()
    {
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, "-a", "arena", "--details");
        Assert.All(Figure.Details([]), figure => Assert.Contains(figure.Label, run.Output, StringComparison.Ordinal));
        Assert.Contains("the free space is in several pieces", run.Prose, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_holds_the_most_is_told_where_the_recording_has_stacks()
    {
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, "-p", "first");
        Assert.Contains("Who holds the most at the peak, after ", run.Output, StringComparison.Ordinal);
        Assert.Contains("cc1plus+0x", run.Output, StringComparison.Ordinal);
        Assert.Contains("Who causes the holes with first fit, after ", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Who ", (await ToolRun.WithInput("a 1 1\na 2 2\nf 1\n", "replay", "-")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_goes_to_standard_output_in_place_of_the_table()
    {
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, "--policy", "best,first", "--json");
        ReplayReport report = JsonSerializer.Deserialize(run.Output, ReportJson.Default.ReplayReport)!;
        Assert.Equal(["best", "first"], report.Traces[0].Policies.Select(policy => policy.Policy));
        Assert.Equal(6_260, report.Traces[0].Events);
    }

    [Fact]
    public async Task Files_are_written_whole_beside_the_table()
    {
        ToolRun run = await ToolRun.Of(
            "replay", Samples.CompilerTrace, "-a", "arena", "--json", _folder.PathOf("a.json"), "--report", _folder.PathOf("a.html"), "--snapshot", _folder.PathOf("s.json"));
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("range needed", run.Output, StringComparison.Ordinal);
        Assert.Equal(["a.html", "a.json", "s.json"], _folder.FileNames());
        Assert.StartsWith(
            "<!DOCTYPE html>",
            await File.ReadAllTextAsync(_folder.PathOf("a.html"), TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
        ToolRun map = await ToolRun.Of("map", _folder.PathOf("s.json"));
        Assert.Equal(0, map.ExitCode);
        Assert.Contains("2,400 allocated", map.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("first")]
    [InlineData("last")]
    public async Task A_snapshot_after_nothing_found_room_can_be_drawn_and_restored(string policy)
    {
        string snapshot = _folder.PathOf("s.json");
        ToolRun run = await ToolRun.WithInput("a 1 65537\n", "replay", "-", "--limit", "64K", "--policy", policy, "--snapshot", snapshot);
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        ToolRun map = await ToolRun.Of("map", snapshot);
        Assert.Equal((0, string.Empty), (map.ExitCode, map.Error));
        Assert.Contains("0 spans", map.Output, StringComparison.Ordinal);
        var read = ArenaSnapshot<ulong>.FromJson(await File.ReadAllTextAsync(snapshot, TestContext.Current.CancellationToken));
        using var arena = Arena<ulong>.Restore(read);
        Assert.Equal(0UL, arena.GetStatistics().TotalSize);
    }

    [Fact]
    public async Task Standard_input_and_several_recordings()
    {
        ToolRun run = await ToolRun.WithInput("a 1 100\nf 1\n", "replay", "-", Samples.CompilerTrace, "-a", "arena", "--json");
        ReplayReport report = JsonSerializer.Deserialize(run.Output, ReportJson.Default.ReplayReport)!;
        Assert.Equal(["vmem", "heaptrack"], report.Traces.Select(trace => trace.Format));
    }

    [Fact]
    public async Task A_limit_makes_failures_and_the_verdict_says_so()
    {
        ToolRun run = await ToolRun.WithInput("a 1 3000\na 2 3000\nf 2\nf 1\n", "replay", "-", "--limit", "4K", "--policy", "instant");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("one allocation fails", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"failures\s+│\s+1 ", run.Output);
        Assert.Matches(@"asked for at the peak\s+│\s+2\.93 KiB", run.Output);
    }

    [Fact]
    public async Task Caches_stand_in_front_of_every_policy_but_next_fit()
    {
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, "--cache", "128", "--json");
        ReplayReport report = JsonSerializer.Deserialize(run.Output, ReportJson.Default.ReplayReport)!;
        Assert.Equal(["cached instant", "cached best", "next", "cached first", "cached last"], report.Traces[0].Policies.Select(policy => policy.Policy));
        Assert.All(report.Traces[0].Policies, policy => Assert.Equal(0, policy.Failures));
        Assert.All(report.Traces[0].Policies.Where(policy => policy.Policy != "next"), policy => Assert.True(policy.RangeOverhead < 0.02, $"{policy.Policy}: {policy.RangeOverhead}"));
        ToolRun tooLarge = await ToolRun.Of("replay", Samples.CompilerTrace, "--cache", "2K");
        Assert.Equal(2, tooLarge.ExitCode);
        Assert.Contains("at most 64 quanta", tooLarge.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a 1 2\nwrong\n", "standard input, line 2: ")]
    [InlineData("", "has no allocation")]
    [InlineData("# nothing\n", "has no allocation")]
    public async Task Bad_input_is_one_line_on_standard_error_and_exit_code_1_and_no_file(string text, string expected)
    {
        _folder.Write("old.json", "{}");
        ToolRun run = await ToolRun.WithInput(text, "replay", "-", "--json", _folder.PathOf("old.json"), "--report", _folder.PathOf("a.html"));
        Assert.Equal((1, string.Empty), (run.ExitCode, run.Output));
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Equal(1, run.Error.Count(letter => letter == '\n'));
        Assert.Equal(["old.json"], _folder.FileNames());
        Assert.Equal("{}", await File.ReadAllTextAsync(_folder.PathOf("old.json"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_second_of_two_recordings_is_bad_and_nothing_is_written()
    {
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, _folder.PathOf("missing"), "--report", _folder.PathOf("a.html"));
        Assert.Equal((1, string.Empty), (run.ExitCode, run.Output));
        Assert.Contains("there is no such file", run.Error, StringComparison.Ordinal);
        Assert.Empty(_folder.FileNames());
    }

    [Fact]
    public async Task An_output_that_cannot_be_written_leaves_the_others_unwritten_too()
    {
        ToolRun run = await ToolRun.WithInput("a 1 1\n", "replay", "-", "--json", _folder.PathOf("a.json"), "--report", _folder.PathOf("none/a.html"));
        Assert.Equal((1, string.Empty), (run.ExitCode, run.Output));
        Assert.Contains("cannot be written", run.Error, StringComparison.Ordinal);
        Assert.Empty(_folder.FileNames());
    }

    [Theory]
    [InlineData("replay")]
    [InlineData("replay", "-", "--policy", "worst")]
    [InlineData("replay", "-", "--quantum", "0")]
    [InlineData("replay", "-", "--quantum", "24", "--allocator", "buddy")]
    [InlineData("replay", "-", "--quantum", "64M", "--allocator", "client")]
    [InlineData("replay", "-", "--quantum", "64M", "--limit", "64G", "--allocator", "client")]
    [InlineData("replay", "-", "--limit", "lots")]
    [InlineData("replay", "-", "--limit", "8")]
    [InlineData("replay", "-", "--unknown")]
    [InlineData("replay", "-", "-")]
    [InlineData("replay", "a", "b", "--snapshot", "c")]
    [InlineData("replay", "a", "b", "--map", "c")]
    [InlineData("replay", "a", "--snapshot-at", "peak")]
    [InlineData("replay", "-", "--snapshot", "c", "--snapshot-at", "peak")]
    [InlineData("replay", "a", "--snapshot", "c", "--snapshot-at", "noon")]
    [InlineData("completion", "csh")]
    [InlineData("replay", "-", "--map", "c", "--allocator", "malloc")]
    [InlineData("replay", "")]
    [InlineData("replay", "-", "--report", "")]
    [InlineData("map", "")]
    [InlineData("replay", "-", "--json", "same", "--report", "same")]
    [InlineData("frobnicate")]
    [InlineData]
    [InlineData("map")]
    public async Task Wrong_usage_is_exit_code_2(params string[] args)
    {
        ToolRun run = await ToolRun.WithInput("a 1 1\n", args);
        Assert.Equal((2, string.Empty), (run.ExitCode, run.Output));
        Assert.StartsWith("vmem: ", run.Error, StringComparison.Ordinal);
    }

    /// <summary>The bound that the tool gives is the library's.</summary>
    [Fact]
    public async Task The_largest_quantum_of_a_client_is_taken()
    {
        ToolRun run = await ToolRun.WithInput("a 1 1\n", "replay", "-", "--quantum", "32M", "--allocator", "client");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task A_recording_is_never_overwritten_because_it_stands_behind_json()
    {
        string first = _folder.Write("first.txt", "a 1 1\n");
        string second = _folder.Write("second.txt", "a 1 1\n");
        Assert.Equal(2, (await ToolRun.Of("replay", "--json", first, second)).ExitCode);
        Assert.Equal(2, (await ToolRun.Of("replay", first, "--report", first)).ExitCode);
        Assert.Equal("a 1 1\n", await File.ReadAllTextAsync(first, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Help_explains_fragmentation()
    {
        ToolRun run = await ToolRun.Of("replay", "--help");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("holes / (holes + live bytes)", run.Output, StringComparison.Ordinal);
        Assert.Contains("vmem replay <TRACE>...", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await ToolRun.Of("--version")).ExitCode);
    }

    [Fact]
    public async Task Cancelling_ends_with_130_and_writes_nothing_even_while_the_input_is_silent()
    {
        using var cancel = new CancellationTokenSource();
        using var silent = new SilentStream(cancel);
        ToolRun run = await ToolRun.WithInput(silent, cancel.Token, "replay", "-", "--report", _folder.PathOf("a.html"));
        Assert.Equal((ExitCodes.Interrupted, string.Empty), (run.ExitCode, run.Output));
        Assert.Contains("interrupted", run.Error, StringComparison.Ordinal);
        Assert.Empty(_folder.FileNames());
        Assert.False(silent.IsDisposed, "What somebody still reads from is left alone.");
    }

    /// <summary>A pipe that says one line, then nothing; the user loses patience when it is asked for more.</summary>
    private sealed class SilentStream(CancellationTokenSource user) : MemoryStream("a 1 1\n"u8.ToArray())
    {
        private readonly ManualResetEventSlim _never = new();

        public bool IsDisposed { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            int read = base.Read(buffer);
            if (read == 0)
            {
                user.Cancel();
                _never.Wait(CancellationToken.None);
            }

            return read;
        }

        // The one who waits is let go when the test is over.
        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            _never.Set();
            base.Dispose(disposing);
        }
    }
}
