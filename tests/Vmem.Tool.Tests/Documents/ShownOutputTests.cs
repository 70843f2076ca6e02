using System.Text.Json;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Documents;

/// <summary>README.md and docs/replay.md show what <c>vmem replay</c> prints for the recording of sqlite: all that does not differ from
/// one run to the next.</summary>
public sealed class ShownOutputTests
{
    private const string FirstLine = "samples/traces/sqlite.heaptrack.raw.gz  heaptrack, 469,342 events, at most 11,733 objects live";

    private static readonly string[] s_exact = ["peakRequestedBytes", "rangeBytes", "bookkeepingBytes", "overhead"];

    [Theory]
    [InlineData("README.md")]
    [InlineData("replay.md")]
    public async Task The_tables_in_the_documents_are_what_the_tool_says(string document)
    {
        string file = Path.Combine(AppContext.BaseDirectory, "docs", document);
        string text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        string[] block = text.Split(FirstLine)[1].Split("\n```")[0].Split('\n');
        string[][] memory = Table(block, "Memory allocators:");
        string[][] addresses = Table(block, "Address policies:");
        ToolRun run = await ToolRun.Of("replay", Samples.SqliteTrace, "-p", "instant,best", "--json");
        TraceReport trace = JsonSerializer.Deserialize(run.Output, ReportJson.Default.ReplayReport)!.Traces[0];
        Assert.Equal((469_342, 11_733), (trace.Events, trace.PeakLiveObjects));
        PolicyReport[] columns = [.. addresses[0][1..].Select(name => trace.Policies.Single(policy => policy.Policy == name))];
        IReadOnlyList<Figure> figures = Figure.Answer(columns, isLimited: false);
        Assert.Equal(figures.Select(figure => figure.Label), addresses[1..].Select(row => row[0]));
        foreach ((Figure figure, string[] row) in figures.Zip(addresses[1..]).Where(pair => s_exact.Contains(pair.First.Key)))
        {
            Assert.Equal(columns.Select(figure.Show), row[1..]);
        }

        PolicyReport[] malloc = [columns[0] with { Allocator = "malloc" }];
        Assert.Equal(Figure.Answer(malloc, isLimited: false).Select(figure => figure.Label), memory[1..].Select(row => row[0]));
        Assert.All(memory[1][1..], cell => Assert.Equal(Units.Bytes(trace.PeakRequestedBytes), cell));
        Assert.Equal(["heap", "malloc", "mimalloc"], memory[0][1..].Except(["jemalloc"]).Order(StringComparer.Ordinal));
    }

    // Its rows, the heads first, cell by cell.
    private static string[][] Table(string[] lines, string title) =>
    [
        .. lines.SkipWhile(line => line != title).Skip(1).TakeWhile(line => line.Length > 0 && line[0] is '╭' or '│' or '├' or '╰')
            .Where(line => line[0] == '│').Select(line => line.Trim('│').Split('│', StringSplitOptions.TrimEntries)),
    ];
}
