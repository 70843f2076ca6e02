using System.Text;
using System.Text.Json;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Reports;

/// <summary>The JSON that other programs read: its names are a promise.</summary>
public sealed class ReportJsonTests
{
    [Fact]
    public void What_is_written_is_read_back_the_same()
    {
        ReplayReport report = ReportFixture.Create(Samples.CompilerTrace);
        string first = Write(report);
        string second = Write(JsonSerializer.Deserialize(first, ReportJson.Default.ReplayReport)!);
        Assert.Equal(first, second);
    }

    [Fact]
    public void Its_names_are_those_of_the_documentation()
    {
        using JsonDocument document = JsonDocument.Parse(Write(ReportFixture.Create(Samples.CompilerTrace)));
        JsonElement trace = document.RootElement.GetProperty("traces")[0];
        JsonElement policy = trace.GetProperty("policies")[0];
        string[] names =
        [
            .. Names(document.RootElement), .. Names(trace), .. Names(trace.GetProperty("answers")[0]),
            .. Names(policy), .. Names(policy.GetProperty("curve")), .. Names(policy.GetProperty("waste")[0]),
            .. Names(trace.GetProperty("sizes")[0]),
        ];
        Assert.Equal(
            [
                "vmemReplay", "quantum", "limit", "traces", "context",
                "name", "format", "events", "allocations", "frees", "unknownFrees", "impliedFrees", "missingEvents", "recordedQuantum", "guessedFrees", "liveAtEnd", "peakLiveObjects", "readSeconds",
                "durationSeconds", "peakRequestedBytes", "peakEvents", "holders", "best", "verdict", "answers", "policies", "sizes", "cutOffAfterLine",
                "kind", "best", "verdict", "consequence",
                "policy", "allocator", "events", "peakRequestedBytes", "peakLiveBytes", "rangeBytes", "rangeOverhead", "overhead", "peakInternalWasteBytes", "finalInternalWasteBytes", "worstFragmentation", "peakFragmentation", "finalFragmentation",
                "failures", "medianNanoseconds", "percentile999Nanoseconds", "eventsPerSecond", "bookkeepingBytes", "peakResidentBytes", "meanNanoseconds", "curve", "waste", "holes",
                "eventsPerPoint", "seconds", "liveBytes", "extentBytes", "requestedBytes", "residentBytes",
                "leastBytes", "mostBytes", "blocks", "requestedBytes", "wasteBytes",
                "leastBytes", "mostBytes", "count", "totalBytes",
            ],
            names);
    }

    [Fact]
    public void Numbers_beyond_64_bits_stay_exact()
    {
        var bin = new SizeBinReport(1UL << 63, ulong.MaxValue, 3, (UInt128)ulong.MaxValue * 3);
        ReplayReport report = ReportFixture.Create(Samples.CompilerTrace);
        report = report with { Traces = [report.Traces[0] with { Sizes = [bin] }] };
        Assert.Contains("\"totalBytes\": 55340232221128654845", Write(report), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_row_of_the_table_has_its_name_in_the_json()
    {
        using JsonDocument document = JsonDocument.Parse(Write(ReportFixture.Create(Samples.CompilerTrace)));
        JsonElement policy = document.RootElement.GetProperty("traces")[0].GetProperty("policies")[0];
        PolicyReport memory = ReportFixture.Create(Samples.CompilerTrace).Traces[0].Policies[0] with { Allocator = "malloc" };
        Assert.All(
            [
                .. Figure.Answer([memory], isLimited: true), .. Figure.Details([memory]),
                .. Figure.Answer([], isLimited: true), .. Figure.Details([]),
            ],
            figure => Assert.True(policy.TryGetProperty(figure.Key, out _), figure.Key));
    }

    private static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(member => member.Name);

    private static string Write(ReplayReport report)
    {
        using var json = new MemoryStream();
        ReportJson.Write(report, json);
        return Encoding.UTF8.GetString(json.ToArray());
    }
}
