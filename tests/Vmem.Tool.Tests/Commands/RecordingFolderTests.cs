using System.Text.Json;
using Vmem.Tool.Reports;
using Vmem.Tool.Tests.Reports;

namespace Vmem.Tool.Tests.Commands;

/// <summary>A folder is all its recordings, with one table for them all.</summary>
public sealed class RecordingFolderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public RecordingFolderTests()
    {
        _folder.Write("README.md", "# Recordings\n\nThese are recordings.\n");
        _folder.Write("notes.html", "<!DOCTYPE html>");
        _folder.Write("empty", "");
        _folder.Write("b.gz", Samples.Gzip("a 1 1600\na 2 160\nf 1\nf 2\n"));
        _folder.Write("a.txt", "a 1 100\na 2 28\nf 1\n");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task All_recordings_in_it_are_replayed_by_name_and_other_files_passed_over()
    {
        ToolRun run = await ToolRun.Of("replay", _folder.PathOf("."), "-a", "arena", "--json");
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        ReplayReport report = JsonSerializer.Deserialize(run.Output, ReportJson.Default.ReplayReport)!;
        Assert.Equal(["a.txt", "b.gz"], report.Traces.Select(trace => Path.GetFileName(trace.Name)));
    }

    /// <summary>Nobody writes to it: opened, it would be waited for.</summary>
    [Fact(Timeout = Needs.Patience)]
    public async Task A_pipe_in_it_is_passed_over()
    {
        Needs.ResidentMemory();
        File.CreateSymbolicLink(_folder.PathOf("linked.txt"), await _folder.MakePipeAsync("pipe.txt"));
        File.CreateSymbolicLink(_folder.PathOf("c.txt"), _folder.PathOf("a.txt"));
        ToolRun run = await ToolRun.WithInput(
            Stream.Null, TestContext.Current.CancellationToken, "replay", _folder.PathOf("."), "-a", "arena", "--json");
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        ReplayReport report = JsonSerializer.Deserialize(run.Output, ReportJson.Default.ReplayReport)!;
        Assert.Equal(["a.txt", "b.gz", "c.txt"], report.Traces.Select(trace => Path.GetFileName(trace.Name)));
    }

    [Fact]
    public async Task One_table_sums_them_up()
    {
        ToolRun run = await ToolRun.Of("replay", _folder.PathOf("."), "-a", "buddy,arena", "-p", "first");
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.Matches(@"│ recording │ asked for │\s+buddy │\s+first │", run.Output);
        Assert.Matches(@"│ a         │     128 B │ ", run.Output);
        Assert.Matches(@"│ b         │  1\.72 KiB │ ", run.Output);
        Assert.Matches(@"│ together  │  1\.84 KiB │ ", run.Output);
        Assert.DoesNotContain("suits this program best", run.Output, StringComparison.Ordinal);
        Assert.Contains("suits this program best", (await ToolRun.Of("replay", _folder.PathOf("."), "-a", "buddy,arena", "-p", "first", "-v")).Prose, StringComparison.Ordinal);
    }

    [Fact]
    public void What_they_take_together_is_the_sum_of_what_each_takes_at_its_peak()
    {
        ReplayReport report = ReportFixture.Create(_folder.PathOf("a.txt"), _folder.PathOf("b.gz"));
        report = report with
        {
            Traces =
            [
                .. report.Traces.Select(trace => trace with
                {
                    Policies =
                    [
                        .. trace.Policies.Select(policy => policy with { CostBytes = 2 * policy.PeakRequestedBytes, Overhead = 1 }),
                    ],
                }),
            ],
        };
        List<IReadOnlyList<SummaryCell>> rows = [.. new Summary(report).Rows()];
        Assert.Equal(["together", "1.84 KiB", "100 %", "100 %", "100 %"], rows[^1].Select(cell => cell.Text));
        report = report with { Traces = [report.Traces[0], report.Traces[1] with { Policies = [.. report.Traces[1].Policies.Skip(1)] }] };
        Assert.Equal(["together", "1.84 KiB", "–", "100 %", "100 %"], new Summary(report).Rows().Last().Select(cell => cell.Text));
    }

    [Fact]
    public async Task A_damaged_recording_is_not_passed_over()
    {
        _folder.Write("c.txt", "a 1 1\nwrong\n");
        ToolRun run = await ToolRun.Of("replay", _folder.PathOf("."), "-a", "arena");
        Assert.Equal((1, string.Empty), (run.ExitCode, run.Output));
        Assert.Contains("c.txt, line 2: ", run.Error, StringComparison.Ordinal);
    }
}
