using System.Xml.Linq;

namespace Vmem.Tool.Tests.Reports;

/// <summary><c>vmem map</c>: pictures of arenas, and snapshots that are none.</summary>
public sealed class MapTests : IDisposable
{
    private const string Small =
        """
        {"vmemSnapshot":1,"type":"UInt64","name":"a <heap> & more","quantum":"16","policy":"InstantFit","spans":
          [{"start":"0","size":"1024","imported":false,"allocated":[["0","64"],["128","32"]]},{"start":"4096","size":"64","imported":true,"allocated":[]}]}
        """;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Allocated_segments_lie_where_they_are_in_the_arena()
    {
        XElement svg = await DrawAsync(Small);
        XElement[] used = [.. OfClass(svg, "used").Where(rect => rect.Elements().Any())];
        Assert.Equal(["24", "138"], used.Select(rect => rect.Attribute("x")!.Value));
        Assert.Equal(["57", "28.5"], used.Select(rect => rect.Attribute("width")!.Value));
        Assert.Equal("0x80, 32", used[1].Value);
        string text = svg.Value;
        Assert.Contains("Arena a <heap> & more", text, StringComparison.Ordinal);
        Assert.Contains("96 in use, 992 free, largest free 864, fragmentation 12.9 %", text, StringComparison.Ordinal);
        Assert.Contains("span of 64, imported, 0 allocated", text, StringComparison.Ordinal);
        Assert.Contains("0x103f", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_segments_than_pixels_are_drawn_by_shares()
    {
        string allocated = string.Join(',', Enumerable.Range(0, 10_000).Select(index => $"[\"{index * 32}\",\"16\"]"));
        string snapshot = Snapshot("UInt64", "0", "640000", allocated);
        XElement svg = await DrawAsync(snapshot);
        XElement[] used = [.. OfClass(svg, "used").Skip(1)];
        Assert.InRange(used.Length, 1, 456);
        Assert.Contains(used, rect => rect.Attribute("fill-opacity")!.Value == "0.5" || rect.Attribute("fill-opacity")!.Value == "0.625");
        Assert.InRange(used.Sum(rect => int.Parse(rect.Attribute("width")!.Value)), 455, 458);
    }

    [Theory]
    [InlineData("Byte", "0", "256", "[\"255\",\"1\"]", "255")]
    [InlineData("UInt16", "1024", "64512", "[\"65535\",\"1\"]", "65535")]
    [InlineData("UInt64", "18446744073709551600", "16", "[\"18446744073709551615\",\"1\"]", "0xffffffffffffffff")]
    [InlineData("UInt128", "42540766411282592856903984951653826560", "79228162514264337593543950336",
        "[\"42540766411282592856903984951653826560\",\"65536\"]", "0x20010db8ffffffffffffffffffffffff")]
    public async Task Every_type_is_drawn_to_its_very_top(string type, string start, string size, string allocated, string last)
    {
        XElement svg = await DrawAsync(Snapshot(type, start, size, allocated));
        Assert.Equal(last, OfClass(svg, "address").Last().Value);
    }

    [Fact]
    public async Task A_name_may_hold_characters_that_xml_may_not()
    {
        XElement svg = await DrawAsync(Small.Replace("a <heap> & more", "a\\u0000b\\u001b\\uffffc\\ud83d\\ude00", StringComparison.Ordinal));
        Assert.Contains("Arena a\ufffdb\ufffd\ufffdc\ud83d\ude00", svg.Value, StringComparison.Ordinal);
    }

    // As doubles 2^96 - 2^16 divided by itself is not 1 in every way of rounding.
    [Fact]
    public async Task One_free_segment_is_no_fragmentation_whatever_is_rounded()
    {
        XElement svg = await DrawAsync(Snapshot("UInt128", "0", "79228162514264337593543950336", "[\"0\",\"65536\"]"));
        Assert.Contains("fragmentation 0 %", svg.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_snapshot_of_the_library_is_drawn()
    {
        using var arena = new Arena<ushort>("ports", 1024, 64512, 1);
        arena.Allocate(100);
        XElement svg = await DrawAsync(arena.Snapshot().ToJson());
        Assert.Contains("100 in use, 64,412 free", svg.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "line 1")]
    [InlineData("{\"vmemSnapshot\":1,\n\"type\" \"UInt64\"}", "line 2")]
    [InlineData("[]", "vmemSnapshot")]
    [InlineData("{\"vmemSnapshot\":2}", "version 2")]
    [InlineData("{\"vmemSnapshot\":1}", "\"type\" is missing")]
    [InlineData("{\"vmemSnapshot\":1,\"type\":\"Int32\"}", "Int32")]
    [InlineData("{\"vmemSnapshot\":1,\"type\":\"Byte\",\"quantum\":16}", "quantum: expected a decimal number in quotes")]
    public async Task What_is_no_snapshot_is_refused_with_the_place(string text, string expected) => await RefusedAsync(text, expected);

    [Theory]
    [InlineData("Byte", "0", "257", "", "spans[0]")]
    [InlineData("Byte", "0", "0", "", "spans[0]")]
    [InlineData("Byte", "-1", "5", "", "spans[0].start")]
    [InlineData("Byte", "0", "16", "[\"0\",\"4\"],[\"3\",\"4\"]", "spans[0].allocated[1]")]
    [InlineData("Byte", "0", "16", "[\"15\",\"2\"]", "spans[0].allocated[0]")]
    [InlineData("Byte", "0", "16", "[\"1\"]", "spans[0].allocated[0]")]
    [InlineData("Byte", "0", "16", "[\"1\",2]", "spans[0].allocated[0][1]")]
    public async Task Ranges_that_cannot_be_are_refused_with_the_place(string type, string start, string size, string allocated, string expected) =>
        await RefusedAsync(Snapshot(type, start, size, allocated), expected);

    private async Task RefusedAsync(string text, string expected)
    {
        string file = _folder.Write("snapshot.json", text);
        ToolRun run = await ToolRun.Of("map", file, "--svg", _folder.PathOf("map.svg"));
        Assert.Equal((1, string.Empty), (run.ExitCode, run.Output));
        Assert.StartsWith($"vmem: {file}: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Equal(["snapshot.json"], _folder.FileNames());
    }

    private static string Snapshot(string type, string start, string size, string allocated) =>
        $$"""
        {"vmemSnapshot":1,"type":"{{type}}","name":"n","quantum":"1","policy":"BestFit","spans":[{"start":"{{start}}","size":"{{size}}","allocated":[{{allocated}}]}]}
        """;

    private static IEnumerable<XElement> OfClass(XElement svg, string name) =>
        svg.Descendants().Where(element => element.Attribute("class")?.Value == name);

    private async Task<XElement> DrawAsync(string snapshot)
    {
        ToolRun run = await ToolRun.Of("map", _folder.Write("in.json", snapshot), "--svg", _folder.PathOf("out.svg"));
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        return XElement.Load(_folder.PathOf("out.svg"));
    }
}
