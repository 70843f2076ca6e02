using System.Text.Json;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Commands;

/// <summary>A recording of a program that was killed.</summary>
public sealed class CutOffTests : IDisposable
{
    private const string Start = "v 10400 3\n+ 64 0 10\n+ 32 0 20\n";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task It_is_replayed_as_far_as_it_goes_and_that_is_said()
    {
        string path = _folder.Write("killed.raw", Start + "- 2");
        string page = _folder.PathOf("page.html");
        ToolRun run = await ToolRun.Of("replay", path, "-a", "arena", "--report", page);
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        const string Note = "The recording ends in the middle, after line 3: its program or its recorder was ended, or it still runs.";
        Assert.Contains(Note, run.Prose, StringComparison.Ordinal);
        Assert.Contains(Note, await File.ReadAllTextAsync(page, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Contains("2 events, at most 2 objects live", run.Output, StringComparison.Ordinal);
        Assert.Equal(3, (await JsonOf(path)).CutOffAfterLine);
    }

    [Fact]
    public async Task A_whole_one_is_not_said_to_be_cut_off()
    {
        ToolRun run = await ToolRun.Of("replay", _folder.Write("whole.raw", Start + "- 20\n"), "-a", "arena");
        Assert.DoesNotContain("in the middle", run.Output, StringComparison.Ordinal);
        Assert.Null((await JsonOf(_folder.PathOf("whole.raw"))).CutOffAfterLine);
    }

    [Fact]
    public async Task The_shipped_recording_cut_in_half_has_the_figures_of_its_first_half()
    {
        byte[] whole = await File.ReadAllBytesAsync(Samples.CompilerTrace, TestContext.Current.CancellationToken);
        TraceReport all = await JsonOf(Samples.CompilerTrace);
        TraceReport half = await JsonOf(_folder.Write("half.gz", whole[..(whole.Length / 2)]));
        Assert.InRange(half.Events, all.Events / 5, all.Events * 4 / 5);
        Assert.InRange(half.PeakRequestedBytes, 1UL, all.PeakRequestedBytes);
        Assert.NotNull(half.CutOffAfterLine);
    }

    [Fact]
    public async Task Nothing_that_can_be_replayed_is_still_an_error()
    {
        byte[] whole = Samples.Gzip(Start);
        ToolRun run = await ToolRun.Of("replay", _folder.Write("stub.gz", whole[..14]), "-a", "arena");
        Assert.Equal((1, string.Empty), (run.ExitCode, run.Output));
        Assert.Contains("has no allocation in it", run.Error, StringComparison.Ordinal);
    }

    private static async Task<TraceReport> JsonOf(string path)
    {
        ToolRun run = await ToolRun.Of("replay", path, "-p", "first", "--json");
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        return JsonSerializer.Deserialize(run.Output, ReportJson.Default.ReplayReport)!.Traces[0];
    }
}
