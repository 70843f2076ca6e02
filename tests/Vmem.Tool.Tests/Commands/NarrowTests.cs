using System.Text.Json;
using System.Text.RegularExpressions;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Commands;

/// <summary>Terminals of few columns: fewer figures, none of them broken.</summary>
public sealed partial class NarrowTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(40)]
    [InlineData(60)]
    [InlineData(80)]
    public async Task Every_figure_is_whole_and_no_line_too_long(int columns)
    {
        string json = _folder.PathOf("r.json");
        ToolRun run = await ToolRun.In(
            console => console with { Columns = columns },
            "replay", Samples.CompilerTrace, "-a", "arena,buddy,client", "-v", "--json", json);
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.All(run.Output.Split('\n'), line => Assert.True(line.Length <= columns, line));
        TraceReport trace = JsonSerializer.Deserialize(
            await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken), ReportJson.Default.ReplayReport)!.Traces[0];
        string[] cells =
        [
            .. run.Output.Split('\n').Where(line => line.StartsWith('│'))
                .SelectMany(line => line.Split('│', StringSplitOptions.TrimEntries)),
        ];
        Assert.All(trace.Policies, policy =>
        {
            Assert.Contains(policy.Policy, cells);
            Assert.Contains(Units.Percent(policy.Overhead!.Value), cells);
            Assert.Contains(Units.Percent(policy.FinalFragmentation), cells);
            Assert.Contains(Units.Bytes(policy.FinalInternalWasteBytes), cells);
        });
        Assert.DoesNotContain(cells, cell => Unit().IsMatch(cell));
    }

    [Fact]
    public async Task A_table_that_fits_stands_as_it_is()
    {
        ToolRun wide = await ToolRun.In(console => console with { Columns = 80 }, "replay", Samples.CompilerTrace, "-a", "arena");
        Assert.Matches(@"│ asked for at the peak │", wide.Output);
        ToolRun narrow = await ToolRun.In(console => console with { Columns = 40 }, "replay", Samples.CompilerTrace, "-a", "arena");
        Assert.DoesNotContain("asked for at the peak │", narrow.Output, StringComparison.Ordinal);
        Assert.Matches(@"│\s+│\s+needs │ overhead │", narrow.Output);
    }

    // A number's unit on a line of its own, or a number cut short.
    [GeneratedRegex(@"^([KMG]iB|ns|%|B)$|…$")]
    private static partial Regex Unit();
}
