using System.Text;
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
        Assert.Equal("0x80, 32 B", used[1].Value);
        string text = svg.Value;
        Assert.Contains("Arena a <heap> & more", text, StringComparison.Ordinal);
        Assert.Contains("96 B in use, 992 B free, largest free 864 B, fragmentation 12.9 %", text, StringComparison.Ordinal);
        Assert.Contains("imported span, 64 B, 0 allocated", text, StringComparison.Ordinal);
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

    [Theory]
    [InlineData("UInt64", "0", "19818496", "0x0|0x400000|0x800000|0xc00000|0x1000000|0x12e67ff")]
    [InlineData("UInt16", "1024", "64512", "1024|20000|40000|60000|65535")]
    [InlineData("Byte", "10", "1", "10")]
    [InlineData("Byte", "0", "3", "0|1|2")]
    public async Task Addresses_between_the_ends_are_round_and_do_not_touch(string type, string start, string size, string expected)
    {
        XElement svg = await DrawAsync(Snapshot(type, start, size, ""));
        Assert.Equal(expected, string.Join('|', OfClass(svg, "address").Select(text => text.Value)));
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
    public async Task Ranges_that_cannot_be_are_refused_with_the_place(
        string type,
        string start,
        string size,
        string allocated,
        string expected) =>
        await RefusedAsync(Snapshot(type, start, size, allocated), expected);

    [Theory]
    [InlineData("0", "16", "8", "16", "spans[1]: the span at 8 does not lie after the one before it")]
    [InlineData("16", "16", "0", "8", "spans[1]: the span at 0 does not lie after")]
    public async Task Spans_that_overlap_are_refused(string start, string size, string nextStart, string nextSize, string expected) =>
        await RefusedAsync(
        $$"""
        {"vmemSnapshot":1,"type":"Byte","name":"n","quantum":"1","policy":"BestFit","spans":[
          {"start":"{{start}}","size":"{{size}}","allocated":[]},{"start":"{{nextStart}}","size":"{{nextSize}}","allocated":[]}]}
        """, expected);

    [Theory]
    [InlineData("\"vmemSnapshot\":1,\"vmemSnapshot\":1", "not well-formed JSON")]
    [InlineData("\"vmemSnapshot\":1e99999", "version 1e99999 is not known")]
    [InlineData("\"vmemSnapshot\":\"1\"", "version \"1\" is not known")]
    [InlineData("\"vmemSnapshot\":1,\"type\":\"\\ud800\"", "half a character")]
    [InlineData("\"vmemSnapshot\":1,\"\\udc00\":1", "half a character")]
    [InlineData("\"vmemSnapshot\":1,\"type\":\"Byte\",\"quantum\":\"0\"", "quantum: 0 is no quantum of a Byte: from 1 to 255")]
    [InlineData("\"vmemSnapshot\":1,\"type\":\"Byte\",\"quantum\":\"256\"", "quantum: 256 is no quantum of a Byte: from 1 to 255")]
    [InlineData("\"vmemSnapshot\":1,\"type\":\"Byte\",\"quantum\":\"99999999999999999999999999999999999999999\"", "quantum: expected a decimal number")]
    [InlineData("\"vmemSnapshot\":1,\"type\":\"Byte\",\"quantum\":[[[[]]]]", "quantum: expected a decimal number in quotes, found [[[[]]]]")]
    [InlineData("\"vmemSnapshot\":1,\"type\":\"\\u001b[31mByte\"", "type: \".[31mByte\" is none of")]
    public async Task What_json_allows_and_a_snapshot_does_not_is_refused(string members, string expected) =>
        await RefusedAsync("{" + members + "}", expected);

    [Theory]
    [InlineData(0xff, "line 2, byte 9: the byte 0xff is no UTF-8 text")]
    [InlineData(0xc3, "line 2, byte 9: the byte 0xc3 is no UTF-8 text")]
    public async Task A_byte_that_is_no_text_is_refused_with_its_place(byte wrong, string expected) =>
        await RefusedAsync([.. "{\"vmemSnapshot\":1,\n\"name\":\""u8, wrong, .. "\"}"u8], expected);

    [Fact]
    public async Task Deep_nesting_is_refused() => await RefusedAsync(new string('[', 100_000), "not well-formed JSON");

    [Fact]
    public async Task A_snapshot_cut_off_anywhere_is_refused()
    {
        foreach (int length in Enumerable.Range(0, Small.TrimEnd().Length - 1))
        {
            ToolRun run = await ToolRun.WithInput(Small[..length], "map", "-");
            Assert.Equal((1, string.Empty), (run.ExitCode, run.Output));
            Assert.StartsWith("vmem: standard input: ", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_byte_order_mark_is_no_fault_and_what_xml_cannot_hold_is_replaced()
    {
        XElement svg = await DrawAsync("\ufeff" + Small.Replace("a <heap>", "\\u0001\\uffff<heap>", StringComparison.Ordinal));
        Assert.Contains("Arena \ufffd\ufffd<heap>", svg.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_opened_is_said_with_its_name()
    {
        string folder = Directory.CreateDirectory(_folder.PathOf("folder")).FullName;
        ToolRun run = await ToolRun.Of("map", folder);
        Assert.Equal((1, $"vmem: {folder}: the file: cannot be read (it is a folder)"), (run.ExitCode, run.Error.Trim()));
        ToolRun missing = await ToolRun.Of("map", _folder.PathOf("missing"));
        Assert.Equal((1, $"vmem: {_folder.PathOf("missing")}: the file: there is no such file"), (missing.ExitCode, missing.Error.Trim()));
        ToolRun replay = await ToolRun.Of("replay", folder);
        Assert.Equal((1, $"vmem: {folder}: is a folder without a recording in it"), (replay.ExitCode, replay.Error.Trim()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100_000)]
    public async Task Input_that_breaks_is_said_with_its_name(int length)
    {
        using var recording = new BrokenStream(string.Concat(Enumerable.Repeat("a 1 1\nf 1\n", length)));
        ToolRun run = await ToolRun.WithInput(recording, "replay", "-");
        Assert.Equal(1, run.ExitCode);
        Assert.Matches(@"^vmem: standard input: cannot be read .*\(the cable is out\)$", run.Error.Trim());
        using var snapshot = new BrokenStream("{");
        Assert.Equal("vmem: standard input: the file: cannot be read (the cable is out)", (await ToolRun.WithInput(snapshot, "map", "-")).Error.Trim());
    }

    /// <summary>Ends in a fault.</summary>
    private sealed class BrokenStream(string text) : MemoryStream(Encoding.ASCII.GetBytes(text))
    {
        // The other overload of a class derived from it comes here, too.
        public override int Read(byte[] buffer, int offset, int count) =>
            base.Read(buffer, offset, count) is > 0 and int read ? read : throw new IOException("the cable is out.");
    }

    private Task RefusedAsync(string text, string expected) => RefusedAsync(Encoding.UTF8.GetBytes(text), expected);

    private async Task RefusedAsync(byte[] contents, string expected)
    {
        string file = _folder.Write("snapshot.json", contents);
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
        ToolRun run = await ToolRun.Of("map", _folder.Write("in.json", Encoding.UTF8.GetBytes(snapshot)), "--svg", _folder.PathOf("out.svg"));
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        return XElement.Load(_folder.PathOf("out.svg"));
    }
}
