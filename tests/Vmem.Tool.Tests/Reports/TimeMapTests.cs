using System.Text;
using System.Xml.Linq;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Reports;

/// <summary><c>vmem replay --map</c>: the address × time map as a picture of its own.</summary>
public sealed class TimeMapTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_picture_in_the_readme_is_what_the_tool_draws()
    {
        byte[] drawn = await DrawAsync(Samples.SqliteTrace, "--policy", "instant");
        byte[] shipped = await File.ReadAllBytesAsync(Samples.AddressTimeMap, TestContext.Current.CancellationToken);
        Assert.True(
            drawn.AsSpan().SequenceEqual(shipped),
            "docs/images/address-time-map.svg is not what the tool draws now. Look at the new one, and if it is right: "
            + "vmem replay samples/traces/sqlite.heaptrack.raw.gz --policy instant --map docs/images/address-time-map.svg");
        Assert.InRange(drawn.Length, 1_000, 150_000);
    }

    [Fact]
    public async Task It_needs_nothing_but_itself()
    {
        XElement svg = XElement.Parse(Encoding.UTF8.GetString(await DrawAsync(Samples.CompilerTrace, "-p", "first")));
        Assert.DoesNotContain(svg.Descendants(), element => element.Name.LocalName is "script" or "image" or "use" or "foreignObject");
        Assert.DoesNotContain(
            svg.Descendants().Attributes(),
            attribute => attribute.Name.LocalName == "href" || attribute.Value.Contains("url(", StringComparison.Ordinal));
        Assert.Contains("cc1plus", svg.Value, StringComparison.Ordinal);
        Assert.Contains("10 ms", svg.Value, StringComparison.Ordinal);
        Assert.Contains("800 KiB", svg.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_time_stamps_it_counts_events_and_a_hostile_name_is_only_text()
    {
        string path = _folder.Write("<b>&\u0001.txt", Samples.Generate(5_000, 200, seed: 1));
        XElement svg = XElement.Parse(Encoding.UTF8.GetString(await DrawAsync(path, "-a", "buddy,client")));
        Assert.StartsWith("<b>&\ufffd: ", svg.Elements().First(element => element.Attribute("id")?.Value == "title").Value, StringComparison.Ordinal);
        Assert.Contains("5,000", svg.Elements().Select(element => element.Value));
        Assert.Contains("events", svg.Elements().Select(element => element.Value));
    }

    [Fact]
    public async Task One_small_object_is_a_picture_too()
    {
        ToolRun run = await ToolRun.WithInput("a 1 0\n", "replay", "-", "-p", "best", "--map", _folder.PathOf("map.svg"));
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        Assert.NotEmpty(XElement.Load(_folder.PathOf("map.svg")).Elements());
    }

    private async Task<byte[]> DrawAsync(string trace, params string[] options)
    {
        string file = _folder.PathOf("map.svg");
        ToolRun run = await ToolRun.Of(["replay", trace, "--map", file, .. options]);
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        return await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
    }
}
